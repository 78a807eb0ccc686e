/** @module The facts about a request that its log line and the metrics need: never its text. */

/** OpenAI's `usage`. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: {
    /** Tokens whose keys and values came from the cache. */
    readonly cached_tokens: number;
  };
}

export type StrategyName = 'greedy' | 'sampling' | 'beam_search' | 'beam_sampling' | 'diverse_beam_search';

/** It belongs to its request alone: when the platform drops the request, nothing of it stays. */
export interface RequestRecord {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** `Date.now()` at arrival. A deployed Worker's clock stands still while it computes. */
  readonly began: number;
  strategy?: StrategyName;
  choices?: number;
  stream?: boolean;
  user?: string;
  usage?: Usage;
  /** Time spent waiting for cache space, if there was any. */
  queuedMilliseconds?: number;
  /** The code of the error, before the answer or in the middle of its stream. */
  error?: string;
}

/** `error` of a request whose client left before the end of the answer. */
export const CLIENT_GONE = 'client_gone';
