/** @module What a generation tells while it runs, and when it is done. */
import type { FinishReason } from './stopping.ts';

export interface TokenLogprob {
  readonly token: number;
  readonly logprob: number;
}

export interface TokenEvent {
  readonly type: 'token';
  /** Of the sequences that will be returned, which one this belongs to. */
  readonly sequence: number;
  readonly token: number;
  /** The logarithm of the probability it was chosen with, after all processors; in beam search what it adds to the score. */
  readonly logprob: number;
  /** The model's own likeliest tokens here, before any processor; only if `logprobs` asks for them. */
  readonly top?: readonly TokenLogprob[];
}

/** One hypothesis of the front after a step of beam search. */
export interface Beam {
  readonly token: number;
  /** The beam of the step before that it continues. */
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

export type DecodingEvent = TokenEvent | BeamsEvent | FinishedEvent;

export interface DecodedSequence {
  /** The generated ones, with the end-of-text token if one ended it. */
  readonly tokens: readonly number[];
  readonly finish_reason: FinishReason;
  /** `sequences_scores`, in beam search. */
  readonly score: number | null;
  readonly token_logprobs: readonly number[];
}

export interface DecodingResult {
  readonly sequences: readonly DecodedSequence[];
  readonly warnings: readonly string[];
}
