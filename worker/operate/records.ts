/** @module What is kept of a request, for the log and for `/metrics`: never its text. */
import type { DecodingOptions } from '../../decoding/options/options.ts';
import type { GenerationRequest } from '../serving/request.ts';
import type { Usage } from '../serving/usage.ts';
import { Counter, type Family, Histogram } from './metrics.ts';

/** It belongs to its request alone: where the platform drops one, nothing of it stays. */
export interface RequestRecord {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** `Date.now()` when it came. A deployed Worker's clock stands still while it computes. */
  readonly began: number;
  strategy?: Strategy;
  choices?: number;
  stream?: boolean;
  user?: string;
  usage?: Usage;
  /** How long it waited for room in the cache, if it did. */
  queuedMilliseconds?: number;
  /** The code of what went wrong, before the answer or in the middle of its stream. */
  error?: string;
}

/** What an answer came to. */
export interface Outcome {
  readonly status: number;
  /** The route's pattern, not the path: anyone can make up paths, and each would be a series of its own. */
  readonly route: string;
}

/** `error` of a request whose client did not wait for the end of its answer. */
export const CLIENT_GONE = 'client_gone';

export type Strategy = 'greedy' | 'sampling' | 'beam_search' | 'beam_sampling' | 'diverse_beam_search';

export function strategyOf({ do_sample, num_beams = 1, num_beam_groups = 1 }: DecodingOptions): Strategy {
  if (num_beams === 1) return do_sample ? 'sampling' : 'greedy';
  if (num_beam_groups > 1) return 'diverse_beam_search';
  return do_sample ? 'beam_sampling' : 'beam_search';
}

export function noteGeneration(record: RequestRecord, { options, n, prompts }: GenerationRequest): void {
  record.strategy = strategyOf(options);
  record.choices = n * prompts.length;
}

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300] as const;

/** Of an isolate. */
export class Records {
  readonly #requests = new Counter('edgebeam_requests_total', 'Requests that were answered.');
  readonly #promptTokens = new Counter('edgebeam_prompt_tokens_total', 'Tokens of prompts.');
  readonly #generatedTokens = new Counter('edgebeam_generated_tokens_total', 'Tokens of returned texts.');
  readonly #cachedTokens = new Counter(
    'edgebeam_cached_tokens_total',
    'Tokens of prompts that had been computed before.',
  );
  readonly #cancelled = new Counter('edgebeam_cancelled_total', 'Requests whose client did not wait.');
  readonly #queueSeconds = new Histogram(
    'edgebeam_queue_seconds',
    'How long generations waited for room in the cache before they began.',
    SECONDS,
  );
  readonly #seconds = new Histogram(
    'edgebeam_request_seconds',
    'From a request to the end of its answer.',
    SECONDS,
  );

  /** Counts a request that is done, and writes its line. */
  finish(record: RequestRecord, { status, route }: Outcome): void {
    const { began, id, method, path, ...rest } = record;
    const milliseconds = Date.now() - began;
    const strategy = record.strategy ?? 'none';
    this.#requests.add({ method, route, status: String(status), strategy });
    this.#seconds.observe({ strategy }, milliseconds / 1000);
    if (record.usage) {
      this.#promptTokens.add({ strategy }, record.usage.prompt_tokens);
      this.#generatedTokens.add({ strategy }, record.usage.completion_tokens);
      this.#cachedTokens.add({ strategy }, record.usage.prompt_tokens_details.cached_tokens);
      this.#queueSeconds.observe({}, (record.queuedMilliseconds ?? 0) / 1000);
    }
    if (record.error === CLIENT_GONE) this.#cancelled.add({ strategy });
    const time = new Date(began).toISOString();
    console.log(JSON.stringify({ time, id, method, path, status, milliseconds, ...rest }));
  }

  get families(): readonly Family[] {
    return [
      this.#requests,
      this.#cancelled,
      this.#promptTokens,
      this.#cachedTokens,
      this.#generatedTokens,
      this.#queueSeconds,
      this.#seconds,
    ];
  }
}
