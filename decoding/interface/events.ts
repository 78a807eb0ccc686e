/** @module What a generation tells while it runs, and when it is done. */

/** Why a text ended: an end-of-text token, a stop string or stop token, or the length. */
export type FinishReason = 'eos' | 'stop' | 'length';

export interface TokenLogprob {
  readonly token: number;
  readonly logprob: number;
}

/** What the model itself thought of a token, before any processor: OpenAI's `logprobs`. Only if the option asks for it. */
export interface ModelLogprobs {
  readonly logprob: number;
  /** The likeliest tokens in its place, `logprobs` of them. */
  readonly top: readonly TokenLogprob[];
}

/** One generated token. */
export interface GeneratedToken {
  readonly token: number;
  /**
   * After all processors: the logarithm of the probability it was chosen with; in beam search what it adds to the score
   * (`compute_transition_scores`).
   */
  readonly logprob: number;
  readonly model?: ModelLogprobs;
}

export interface TokenEvent extends GeneratedToken {
  readonly type: 'token';
  /** Of the sequences that will be returned, which one this belongs to. */
  readonly sequence: number;
}

/** One hypothesis of the front after a step of beam search. */
export interface Beam {
  /** Of `num_beam_groups`, which one it is in. */
  readonly group: number;
  /**
   * Its number among the beams that go on from this step, each group's one after the other; null when it does not,
   * having ended, or its group being done.
   */
  readonly index: number | null;
  readonly token: number;
  /** The index, in the step before, of the beam that it continues. */
  readonly parent: number;
  readonly logprob: number;
  /** The sum of its tokens' scores; of a finished one this over its length to the power of `length_penalty`. */
  readonly score: number;
  readonly finished: FinishReason | null;
}

export interface BeamsEvent {
  readonly type: 'beams';
  /** Tokens that each live beam has generated. */
  readonly step: number;
  /** Those that go on, best first, and those that ended with this step. */
  readonly beams: readonly Beam[];
}

export interface FinishedEvent {
  readonly type: 'finished';
  readonly sequence: number;
  readonly reason: FinishReason;
}

/** What the model thought of the prompt, before anything else; only if `prompt_logprobs` asks for it. */
export interface PromptEvent {
  readonly type: 'prompt';
  /** One for each token, but for the first, which follows nothing. */
  readonly logprobs: readonly (ModelLogprobs | null)[];
}

export type DecodingEvent = PromptEvent | TokenEvent | BeamsEvent | FinishedEvent;

export interface DecodedSequence {
  /** The generated ones, with the end-of-text token if one ended it. */
  readonly tokens: readonly number[];
  readonly finish_reason: FinishReason;
  /** `sequences_scores` in beam search: the sum of `token_logprobs` over their number to the power of `length_penalty`. */
  readonly score: number | null;
  /** After all processors, as in the token events. */
  readonly token_logprobs: readonly number[];
  /** Before any processor, one for each token; null unless `logprobs` asks for them. */
  readonly model_logprobs: readonly ModelLogprobs[] | null;
  /** In beam search, which beam each token continued: its ancestry through the `beams` events. */
  readonly beam_indices: readonly number[] | null;
}

export interface DecodingResult {
  readonly sequences: readonly DecodedSequence[];
  readonly warnings: readonly string[];
}
