/** @module A generation in an HTTP request, whatever its contract: started, collected or streamed, and given back. */
import type { Context } from 'hono';
import { type SSEMessage, streamSSE } from 'hono/streaming';
import { branchCount, mostNewTokens } from '../../decoding/decode.ts';
import { LeaseExpiredError, QueueFullError, QueueTimeoutError } from '../../engine/batching/errors.ts';
import { SlotsExhaustedError } from '../../engine/cache/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import { type AppEnv, queueLimits } from '../http/env.ts';
import { ApiError, toApiError, tryAgain } from '../http/errors.ts';
import { CLIENT_GONE, noteGeneration, type RequestRecord } from '../operate/records.ts';
import type { GenerationEvent } from './events.ts';
import { startGeneration } from './generate.ts';
import type { GenerationRequest } from './request.ts';
import { UsageMeter } from './usage.ts';

export type Events = AsyncGenerator<GenerationEvent, void, undefined>;

export interface Started {
  readonly events: Events;
  readonly meter: UsageMeter;
}

/** What the contract calls the fields that errors blame. */
export interface FieldNames {
  readonly prompt: string;
  readonly maxTokens: string;
}

/**
 * Starts a generation: the answer's status is known when it returns. When the client goes away the platform drops this
 * request's continuations; what is under `waitUntil` goes on to its `finally`.
 * @throws ApiError 400 for what can never be, 503 for what does not fit now
 */
export async function start(
  c: Context<AppEnv>,
  engine: Engine,
  request: GenerationRequest,
  names: FieldNames,
): Promise<Started> {
  const record = c.get('record');
  noteGeneration(record, request);
  const starting = startGeneration(engine, request, queueLimits(c.env), c.req.raw.signal);
  c.executionCtx.waitUntil(starting.catch(() => {}));
  try {
    const { events, cachedTokens, queuedMilliseconds } = await starting;
    if (queuedMilliseconds > 0) record.queuedMilliseconds = queuedMilliseconds;
    const meter = new UsageMeter(request, cachedTokens);
    return { events: counted(events, meter, record), meter };
  } catch (error) {
    throw forClient(error, request, names);
  }
}

async function* counted(events: Events, meter: UsageMeter, record: RequestRecord): Events {
  try {
    for await (const event of events) {
      meter.count(event);
      yield event;
    }
  } finally {
    record.usage = meter.usage;
  }
}

/** Runs to the end. */
export async function collect(
  c: Context<AppEnv>,
  events: Events,
  take: (event: GenerationEvent) => void,
): Promise<void> {
  const work = (async () => {
    for await (const event of events) take(event);
  })();
  c.executionCtx.waitUntil(work.catch(() => {}));
  try {
    await work;
  } catch (error) {
    throw forClient(error);
  }
}

export interface StreamShape {
  /** The messages of an event. */
  of(event: GenerationEvent): Iterable<SSEMessage>;
  /** Those after the last. */
  end(): Iterable<SSEMessage>;
  /** That of an error in the middle. */
  error(error: ApiError): SSEMessage;
}

export function stream(c: Context<AppEnv>, events: Events, shape: StreamShape): Response {
  // Some proxies hold back what they could compress.
  c.header('Content-Encoding', 'identity');
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  c.executionCtx.waitUntil(sent);
  const record = c.get('record');
  record.stream = true;
  c.set('streaming', sent);
  return streamSSE(c, async (sse) => {
    const isGone = () => sse.aborted || c.req.raw.signal.aborted;
    try {
      for await (const event of events) {
        if (isGone()) return;
        for (const message of shape.of(event)) await sse.writeSSE(message);
      }
      for (const message of shape.end()) await sse.writeSSE(message);
    } catch (error) {
      if (isGone()) return;
      const api = toApiError(forClient(error));
      record.error = api.details.code ?? 'error';
      await sse.writeSSE(shape.error(api));
    } finally {
      if (isGone()) record.error = CLIENT_GONE;
      resolve();
    }
  });
}

/** What the engine could not do, as an ApiError; anything else as it is. */
function forClient(error: unknown, request?: GenerationRequest, names?: FieldNames): unknown {
  if (error instanceof SlotsExhaustedError && request && names) return neverFits(error, request, names);
  if (error instanceof QueueFullError || error instanceof QueueTimeoutError) {
    return tryAgain('overloaded', `Busy: ${error.message}`);
  }
  if (error instanceof LeaseExpiredError) {
    return tryAgain(
      'lease_expired',
      'Nothing was read of the answer for too long, and others needed its memory',
    );
  }
  return error;
}

function neverFits(error: SlotsExhaustedError, request: GenerationRequest, names: FieldNames): ApiError {
  const { requested, maximum } = error;
  const longest = Math.max(...request.prompts.map(({ ids }) => ids.length));
  const branches = branchCount(request.options);
  const most = mostNewTokens(maximum, longest, branches);
  const texts = branches > 1 ? `${branches} texts after it` : 'what is to follow';
  const advice =
    most > 0 ? `after this prompt ${names.maxTokens} can be at most ${most}` : 'the prompt alone is too long';
  return new ApiError(
    400,
    `This deployment's cache holds ${maximum} tokens, but ${requested} are needed for a prompt of ${longest} and ` +
      `${texts}: ${advice}`,
    { param: most > 0 ? names.maxTokens : names.prompt, code: 'cache_size_exceeded' },
  );
}
