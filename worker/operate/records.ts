/** @module Metrics and log lines of finished requests. */
import { CLIENT_GONE, type RequestRecord } from '../http/request-record.ts';
import { Counter, type Family, Histogram } from './metrics.ts';

/** The outcome of a request. */
export interface Outcome {
  readonly status: number;
  /** The route's pattern, not the path: every invented path would add a time series. */
  readonly route: string;
}

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300] as const;

/** The counters of an isolate. */
export class Records {
  readonly #requests = new Counter('edgebeam_requests_total', 'Requests answered.');
  readonly #promptTokens = new Counter('edgebeam_prompt_tokens_total', 'Tokens of prompts.');
  readonly #generatedTokens = new Counter('edgebeam_generated_tokens_total', 'Tokens of returned texts.');
  readonly #cachedTokens = new Counter(
    'edgebeam_cached_tokens_total',
    'Tokens of prompts that came from the cache.',
  );
  readonly #contextResets = new Counter(
    'edgebeam_context_resets_total',
    'How often tokens of texts have been dropped, because the context was full.',
  );
  readonly #cancelled = new Counter('edgebeam_cancelled_total', 'Requests whose client left before the end.');
  readonly #loadSeconds = new Histogram(
    'edgebeam_load_seconds',
    'Time that requests waited for the model, in an isolate that did not have it yet.',
    SECONDS,
  );
  readonly #queueSeconds = new Histogram(
    'edgebeam_queue_seconds',
    'Time that generations waited for cache space.',
    SECONDS,
  );
  readonly #seconds = new Histogram(
    'edgebeam_request_seconds',
    'Time from a request to the end of its answer.',
    SECONDS,
  );

  /** Counts a finished request, and writes its log line. */
  finish(record: RequestRecord, { status, route }: Outcome): void {
    const { startedAt, id, method, path, ...rest } = record;
    const milliseconds = Date.now() - startedAt;
    const strategy = record.strategy ?? 'none';
    this.#requests.add({ method, route, status: String(status), strategy });
    this.#seconds.observe({ strategy }, milliseconds / 1000);
    if (record.usage) {
      this.#promptTokens.add({ strategy }, record.usage.prompt_tokens);
      this.#generatedTokens.add({ strategy }, record.usage.completion_tokens);
      this.#cachedTokens.add({ strategy }, record.usage.prompt_tokens_details.cached_tokens);
      this.#contextResets.add({ strategy }, record.usage.context_resets ?? 0);
      this.#queueSeconds.observe({}, (record.queuedMilliseconds ?? 0) / 1000);
    }
    if (record.loadMilliseconds !== undefined) this.#loadSeconds.observe({}, record.loadMilliseconds / 1000);
    if (record.error === CLIENT_GONE) this.#cancelled.add({ strategy });
    const time = new Date(startedAt).toISOString();
    console.log(JSON.stringify({ time, id, method, path, status, milliseconds, ...rest }));
  }

  get families(): readonly Family[] {
    return [
      this.#requests,
      this.#cancelled,
      this.#promptTokens,
      this.#cachedTokens,
      this.#generatedTokens,
      this.#contextResets,
      this.#loadSeconds,
      this.#queueSeconds,
      this.#seconds,
    ];
  }
}
