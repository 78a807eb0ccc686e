/** @module What is kept of a request, for the log and for `/metrics`: never its text. */
import type { DecodingOptions } from '../../decoding/options.ts';
import type { GenerationRequest } from '../generation/request.ts';
import type { Usage } from '../generation/usage.ts';
import { Counter, Histogram } from './metrics.ts';

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
  /** Of an error: the client's, and what went wrong in the middle of a stream. */
  error?: string;
}

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

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** Of an isolate. */
export class Records {
  readonly #requests = new Counter('edgebeam_requests_total', 'Requests that were answered');
  readonly #promptTokens = new Counter('edgebeam_prompt_tokens_total', 'Tokens of prompts');
  readonly #generatedTokens = new Counter('edgebeam_generated_tokens_total', 'Tokens of returned texts');
  readonly #seconds = new Histogram(
    'edgebeam_request_seconds',
    'From a request to the end of its answer',
    SECONDS,
  );

  /** Counts a request that is done, and writes its line. */
  finish(record: RequestRecord, status: number): void {
    const { began, id, method, path, ...rest } = record;
    const milliseconds = Date.now() - began;
    const strategy = record.strategy ?? 'none';
    this.#requests.add({ method, status: String(status), strategy });
    this.#seconds.observe({ strategy }, milliseconds / 1000);
    if (record.usage) {
      this.#promptTokens.add({ strategy }, record.usage.prompt_tokens);
      this.#generatedTokens.add({ strategy }, record.usage.completion_tokens);
    }
    console.log(
      JSON.stringify({
        time: new Date(began).toISOString(),
        id,
        method,
        path,
        status,
        milliseconds,
        ...rest,
      }),
    );
  }

  *lines(): Generator<string> {
    yield* this.#requests.lines();
    yield* this.#promptTokens.lines();
    yield* this.#generatedTokens.lines();
    yield* this.#seconds.lines();
  }
}
