/** @module The data of a request for its log line and the metrics: never its text. */

/** OpenAI's `usage`. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: {
    /** Tokens whose keys and values came from the cache. */
    readonly cached_tokens: number;
  };
  /** Only with `truncation`: how often tokens of a text have been dropped. */
  readonly context_resets?: number;
}

/**
 * @param completionTokens the token that ends a text counts; a repeated text counts each time
 * @param cachedTokens may count generated tokens, of which several were computed at once
 * @param contextResets undefined for texts that must fit into the context
 */
export function usageOf(
  promptTokens: number,
  completionTokens: number,
  cachedTokens: number,
  contextResets?: number,
): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: Math.min(cachedTokens, promptTokens) },
    ...(contextResets !== undefined && { context_resets: contextResets }),
  };
}

export type StrategyName =
  | 'greedy'
  | 'sampling'
  | 'beam_search'
  | 'beam_sampling'
  | 'diverse_beam_search'
  | 'catalogue_search';

/** Referenced by its request only, so nothing remains when the platform drops the request. */
export interface RequestRecord {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** `Date.now()` at arrival. The clock of a deployed Worker does not advance while it computes. */
  readonly startedAt: number;
  strategy?: StrategyName;
  choices?: number;
  /** The name of the adapter that it uses. */
  adapter?: string;
  stream?: boolean;
  user?: string;
  /** The number of the session's object that answered. */
  session?: number;
  /** Whether the object of a session answers, and writes the line. */
  forwarded?: boolean;
  usage?: Usage;
  /** Time spent waiting for the model, in an isolate that did not have it yet. */
  loadMilliseconds?: number;
  /** Time spent waiting for cache space, if there was any. */
  queuedMilliseconds?: number;
  /** The code of the error, whether in place of the answer or within its stream. */
  error?: string;
}

/** `error` of a request whose client disconnected before the end of the answer. */
export const CLIENT_GONE = 'client_gone';
