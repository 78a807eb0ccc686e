/** @module Requests to score texts, independent of HTTP. */
import type { Normalization } from '../../../decoding/scoring/compare.ts';
import type { RequestedAdapter } from '../adapters.ts';

/** A text, or token ids. */
export type TextOrIds = string | readonly number[];

/** The fields of every request to score. */
export interface ScoringFields {
  /** Whether the model's beginning of text stands before the text. Default: each request's own. */
  readonly addBosToken?: boolean | undefined;
  /** Whether special tokens in texts are text like other text. */
  readonly splitSpecialTokens?: boolean | undefined;
  /** Whether to report each token. */
  readonly tokens: boolean;
  /** Changes the model for this request. */
  readonly adapter?: RequestedAdapter | undefined;
}

/** Choices that go on after a prompt. */
export interface ScoreRequest extends ScoringFields {
  /** Undefined or empty: each choice is a text of its own. */
  readonly prompt?: TextOrIds | undefined;
  /** At least one; none is empty. */
  readonly choices: readonly TextOrIds[];
  readonly normalization: Normalization;
  /** Whether the prompt and the choices may use and enter the prefix cache. */
  readonly cachePrompt: boolean;
  readonly cacheSalt?: string | undefined;
}

/** A text of any length, scored in windows. */
export interface PerplexityRequest extends ScoringFields {
  readonly text: TextOrIds;
  /** Tokens of a window. Default: the context of the model, or what the cache holds. */
  readonly window?: number | undefined;
  /** Tokens from one window to the next. Default: half a window. */
  readonly stride?: number | undefined;
}
