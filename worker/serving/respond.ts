/**
 * @module Runs a generation inside an HTTP request, for every contract: starts it, then collects or streams
 * its events.
 */
import type { Context } from 'hono';
import { type SSEMessage, streamSSE } from 'hono/streaming';
import { branchCount, maxNewTokensWithin } from '../../decoding/options/capacity.ts';
import type { ResolvedOptions } from '../../decoding/options/options.ts';
import { LeaseExpiredError, QueueFullError, QueueTimeoutError } from '../../engine/batching/errors.ts';
import { SlotsExhaustedError } from '../../engine/cache/errors.ts';
import type { AppEnv } from '../http/env.ts';
import { ApiError, retryLater, toApiError } from '../http/errors.ts';
import { CLIENT_GONE, type StrategyName } from '../http/request-record.ts';
import { queueLimitsOf } from '../http/settings.ts';
import type { ServedModel } from '../isolate/served-model.ts';
import { cachePartition } from './cache-partition.ts';
import type { GenerationEvent } from './events.ts';
import { type Generation, startGeneration } from './generate.ts';
import { checkContext, type GenerationRequest } from './request.ts';

/**
 * Starts a generation: the status of the answer is certain when this returns. When the client disconnects,
 * the platform drops the request's continuations; work under `waitUntil` continues to its `finally`.
 * @throws ApiError 400 for a request that can never be served, 503 for one that does not fit at the moment
 */
export async function beginGeneration(
  c: Context<AppEnv>,
  model: ServedModel,
  request: GenerationRequest,
): Promise<Generation> {
  checkContext(model.engine, request);
  const record = c.get('record');
  record.strategy = strategyOf(request.options);
  record.choices = request.n * request.prompts.length;
  const partition = await cachePartition(c, request.cacheSalt);
  const starting = startGeneration(model, request, queueLimitsOf(c.env), c.req.raw.signal, partition);
  c.executionCtx.waitUntil(starting.catch(() => {}));
  try {
    const generation = await starting;
    const { queuedMilliseconds } = generation;
    if (queuedMilliseconds > 0) record.queuedMilliseconds = queuedMilliseconds;
    return generation;
  } catch (error) {
    throw error instanceof SlotsExhaustedError ? exceedsCache(error, request) : forClient(error);
  }
}

export function strategyOf({ do_sample, num_beams, num_beam_groups }: ResolvedOptions): StrategyName {
  if (num_beams === 1) return do_sample ? 'sampling' : 'greedy';
  if (num_beam_groups > 1) return 'diverse_beam_search';
  return do_sample ? 'beam_sampling' : 'beam_search';
}

/** Runs a generation to its end, and calls `take` with each event. */
export async function collectEvents(
  c: Context<AppEnv>,
  generation: Generation,
  take: (event: GenerationEvent) => void,
): Promise<void> {
  const work = (async () => {
    try {
      for await (const event of generation.events) take(event);
    } finally {
      c.get('record').usage = generation.usage;
    }
  })();
  c.executionCtx.waitUntil(work.catch(() => {}));
  try {
    await work;
  } catch (error) {
    throw forClient(error);
  }
}

/** How a contract writes a stream. */
export interface StreamFormat {
  /** The messages of an event. */
  event(event: GenerationEvent): Iterable<SSEMessage>;
  /** The messages after the last event. */
  end(): Iterable<SSEMessage>;
  /** The message of an error within the stream. */
  error(error: ApiError): SSEMessage;
}

export function streamEvents(c: Context<AppEnv>, generation: Generation, format: StreamFormat): Response {
  // Some proxies buffer compressible responses.
  c.header('Content-Encoding', 'identity');
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  c.executionCtx.waitUntil(sent);
  const record = c.get('record');
  record.stream = true;
  c.set('streaming', sent);
  return streamSSE(c, async (sse) => {
    const isDisconnected = () => sse.aborted || c.req.raw.signal.aborted;
    try {
      for await (const event of generation.events) {
        if (isDisconnected()) return;
        for (const message of format.event(event)) await sse.writeSSE(message);
      }
      for (const message of format.end()) await sse.writeSSE(message);
    } catch (error) {
      if (isDisconnected()) return;
      const api = toApiError(forClient(error));
      record.error = api.details.code ?? 'error';
      await sse.writeSSE(format.error(api));
    } finally {
      record.usage = generation.usage;
      if (isDisconnected()) record.error = CLIENT_GONE;
      resolve();
    }
  });
}

/** Converts the engine's transient errors to a 503; returns any other error unchanged. */
function forClient(error: unknown): unknown {
  if (error instanceof QueueFullError || error instanceof QueueTimeoutError) {
    return retryLater('overloaded', `Busy: ${error.message}`);
  }
  if (error instanceof LeaseExpiredError) {
    return retryLater(
      'lease_expired',
      'The client read nothing of the answer for too long, and its cache space went to another request',
    );
  }
  return error;
}

function exceedsCache({ requested, maximum }: SlotsExhaustedError, request: GenerationRequest): ApiError {
  const { prompts, options, fields } = request;
  const longest = Math.max(...prompts.map(({ ids }) => ids.length));
  const branches = branchCount(options);
  const largest = maxNewTokensWithin(maximum, longest, branches);
  const texts = branches > 1 ? `${branches} texts after it` : 'the text after it';
  const advice =
    largest > 0
      ? `after this prompt ${fields.maxTokens} can be at most ${largest}`
      : 'the prompt alone is too long';
  return new ApiError(
    400,
    `This deployment's cache holds ${maximum} tokens, but the request needs ${requested} for a ` +
      `prompt of ${longest} and ${texts}: ${advice}`,
    { param: largest > 0 ? fields.maxTokens : fields.prompt, code: 'cache_size_exceeded' },
  );
}
