/** @module The events of a generation, and its result. */

/** Why a text ended: an end-of-text token, a stop string or stop token, or the length. */
export type FinishReason = 'eos' | 'stop' | 'length';

export interface TokenLogprob {
  readonly token: number;
  readonly logprob: number;
}

/** The model's own log-probability of a token, before any processor: OpenAI's `logprobs`. */
export interface ModelLogprobs {
  readonly logprob: number;
  /** The `logprobs` likeliest tokens at this position. */
  readonly top: readonly TokenLogprob[];
  /** Of a prompt's token: its rank in the vocabulary, from 1. */
  readonly rank?: number;
}

/** One generated token. */
export interface GeneratedToken {
  readonly token: number;
  /**
   * After all processors: the log-probability in the distribution the token was chosen from; in beam search
   * its contribution to the score (`compute_transition_scores`).
   */
  readonly logprob: number;
  /** Only with the option `logprobs`. */
  readonly model?: ModelLogprobs;
}

export interface TokenEvent extends GeneratedToken {
  readonly type: 'token';
  /** Index in `DecodingResult.sequences`. */
  readonly sequence: number;
}

/** One hypothesis after a step of beam search. */
export interface Beam {
  /** Index of its group, below `num_beam_groups`. */
  readonly group: number;
  /**
   * Index among the live beams after this step, numbered group by group; null if the hypothesis has finished
   * or its group is done.
   */
  readonly index: number | null;
  readonly token: number;
  /** `index` of the beam it continues, in the previous step. */
  readonly parent: number;
  readonly logprob: number;
  /** The sum of its tokens' log-probabilities; once finished, divided by length ** `length_penalty`. */
  readonly score: number;
  readonly finished: FinishReason | null;
  /**
   * Number of tokens, ends of text included, that the constraint allowed in this token's place, or that go on in the
   * catalogue.
   */
  readonly allowed?: number;
}

export interface BeamsEvent {
  readonly type: 'beams';
  /** Number of tokens that each live beam has generated. */
  readonly step: number;
  /** The live beams, best first, then the hypotheses that finished in this step. */
  readonly beams: readonly Beam[];
}

export interface FinishedEvent {
  readonly type: 'finished';
  readonly sequence: number;
  readonly reason: FinishReason;
}

/**
 * The model's own log-probabilities of the prompt: the first event, only with the option `prompt_logprobs`.
 */
export interface PromptEvent {
  readonly type: 'prompt';
  /** One entry per token; null for the first, which has no context. */
  readonly logprobs: readonly (ModelLogprobs | null)[];
}

/**
 * Tokens have been dropped, because a text has reached the end of the context, or a prompt was too long. Only with the
 * option `truncation`.
 */
export interface ContextResetEvent {
  readonly type: 'context_reset';
  /** How often it has happened so far; at the same step for several texts, or for all beams, counts once. */
  readonly resets: number;
}

export type DecodingEvent = PromptEvent | TokenEvent | BeamsEvent | ContextResetEvent | FinishedEvent;

export interface DecodedSequence {
  /** The generated tokens, including a final end-of-text token. */
  readonly tokens: readonly number[];
  readonly finish_reason: FinishReason;
  /**
   * Beam search only (`sequences_scores`): the sum of `token_logprobs` divided by length ** `length_penalty`; of a
   * catalogue, the sum and `catalogue_weight` times the entry's weight.
   */
  readonly score: number | null;
  /** After all processors: `logprob` of the token events. */
  readonly token_logprobs: readonly number[];
  /** Before any processor, one per token; null without the option `logprobs`. */
  readonly model_logprobs: readonly ModelLogprobs[] | null;
  /** Beam search only: the beam that each token continued, by its `index` in the `beams` events. */
  readonly beam_indices: readonly number[] | null;
  /** Search of a catalogue only: the number of the entry. */
  readonly catalogue_entry?: number;
}

export interface DecodingResult {
  /**
   * Best first in beam search and with `best_of`. `num_return_sequences` of them; fewer, but at least one, if a
   * beam search found fewer.
   */
  readonly sequences: readonly DecodedSequence[];
  readonly warnings: readonly string[];
  /** Only with the option `truncation`: how often tokens have been dropped. */
  readonly context_resets?: number;
}
