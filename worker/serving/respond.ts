/**
 * @module Runs a generation inside an HTTP request, for every contract, and sends its answer: whole, or as a
 * stream of events.
 */
import type { Context } from 'hono';
import { type SSEMessage, streamSSE } from 'hono/streaming';
import type { Constraint } from '../../decoding/constraints/automaton/constraint.ts';
import { ConstraintError } from '../../decoding/constraints/automaton/errors.ts';
import type { ResolvedOptions } from '../../decoding/options/options.ts';
import {
  LeaseExpiredError,
  MemoryExhaustedError,
  QueueFullError,
  QueueTimeoutError,
} from '../../engine/batching/errors.ts';
import type { MemoryReservation } from '../../engine/batching/memory-budget.ts';
import { AdaptersExhaustedError, SlotsExhaustedError } from '../../engine/cache/errors.ts';
import { ModelFilesError } from '../../engine/model/errors.ts';
import { CALLER } from '../http/caller.ts';
import type { AppEnv } from '../http/env.ts';
import { type ApiError, retryLater, toApiError } from '../http/errors.ts';
import type { JsonStream } from '../http/json-stream.ts';
import { CLIENT_GONE, type StrategyName, type Usage } from '../http/request-record.ts';
import { sendJson } from '../http/send-json.ts';
import { constraintLimitsOf, queueLimitsOf } from '../http/settings.ts';
import { workerdPlatform } from '../isolate/platform.ts';
import type { ServedModel } from '../isolate/served-model.ts';
import { exceedsAdapterSpace, unavailableAdapter } from './adapters.ts';
import { cachePartition } from './cache-partition.ts';
import {
  loadCatalogue,
  type SearchedCatalogue,
  searchedPart,
  tooManyBeams,
  withCatalogue,
} from './catalogue.ts';
import type { CollectedAnswer } from './collected.ts';
import { constraintOf, isConstraintChecked, refusedConstraint } from './constrain.ts';
import type { GenerationEvent } from './events.ts';
import { collectGeneration, type Generation, type RunOptions, startGeneration } from './generate.ts';
import type { AnswerForm } from './memory-estimate.ts';
import { exceedsCache, exceedsMemory } from './refusals.ts';
import { checkContext, type GenerationRequest } from './request.ts';
import { sizeOf } from './reservation.ts';
import { modelSource } from './served-model.ts';

/**
 * Starts a generation whose events are streamed: the status of the answer is certain when this returns. When the
 * client disconnects, the platform drops the request's continuations; work under `waitUntil` continues to its
 * `finally`.
 * @throws ApiError 400 for a request that can never be served, 503 for one that does not fit at the moment
 */
export function beginGeneration(
  c: Context<AppEnv>,
  model: ServedModel,
  request: GenerationRequest,
): Promise<Generation> {
  return run(c, model, request, 'stream', startGeneration);
}

/** Runs a generation to its end; `write` makes the answer's body of it. @throws ApiError as `beginGeneration` */
export async function answerWhole(
  c: Context<AppEnv>,
  model: ServedModel,
  request: GenerationRequest,
  write: (answer: CollectedAnswer) => JsonStream,
): Promise<Response> {
  const { signal } = c.req.raw;
  const form = c.env[CALLER]?.method === undefined ? 'whole' : 'object';
  return await run(c, model, request, form, async (model, request, options) => {
    const { answer, held } = await collectGeneration(model, request, { ...options, form });
    c.get('record').usage = answer.usage;
    if (!signal.aborted) return sendJson(c, write(answer), held);
    // Nobody will read or cancel the answer.
    held.close();
    throw signal.reason;
  });
}

async function run<T>(
  c: Context<AppEnv>,
  model: ServedModel,
  asked: GenerationRequest,
  form: AnswerForm,
  generate: (model: ServedModel, request: GenerationRequest, options: RunOptions) => Promise<T>,
): Promise<T> {
  const catalogue = await catalogueOf(c, model, asked);
  const request = catalogue ? withCatalogue(asked, catalogue.loaded) : asked;
  checkContext(model.engine, request);
  const record = c.get('record');
  record.strategy = strategyOf(request.options);
  record.choices = request.n * request.prompts.length;
  const constraintLimits = constraintLimitsOf(c.env);
  let compiled: { readonly constraint: Constraint | undefined } | undefined;
  const compile = () => {
    compiled ??= { constraint: constraintOf(model, request, constraintLimits) };
    return compiled.constraint;
  };
  const check = () => isConstraintChecked(model, request, constraintLimits);
  const size = () => sizeOf(model.engine, request, form, { constraint: compiled?.constraint, catalogue });
  return runAdmitted(
    c,
    model,
    request,
    (options) => generate(model, request, { ...options, compile, check, catalogue }),
    {
      cache: (error) =>
        catalogue ? tooManyBeams(request, catalogue, error.maximum) : exceedsCache(error, request),
      memory: (error) => exceedsMemory(error, size(), request.fields),
      other: (error) => forClient(error, request),
    },
  );
}

/** The errors of a request whose work has failed. */
interface Refusals {
  /** The request can never fit. */
  cache(error: SlotsExhaustedError): ApiError;
  memory(error: MemoryExhaustedError): ApiError;
  other?(error: unknown): unknown;
}

/** Runs work that reserves what it needs, and goes on to its `finally` when the client has gone. @throws ApiError */
export async function runAdmitted<T>(
  c: Context<AppEnv>,
  { engine }: ServedModel,
  { cacheSalt, adapter }: Pick<GenerationRequest, 'cacheSalt' | 'adapter'>,
  work: (options: RunOptions) => Promise<T>,
  { cache, memory, other = forClient }: Refusals,
): Promise<T> {
  const record = c.get('record');
  if (adapter) record.adapter = adapter.name;
  const running = work({
    limits: queueLimitsOf(c.env),
    signal: c.req.raw.signal,
    partition: await cachePartition(c, cacheSalt),
    onAdmitted: (queuedMilliseconds) => {
      // The prompts are part of what the generation reserves.
      c.get('body')?.close();
      if (queuedMilliseconds > 0) record.queuedMilliseconds = queuedMilliseconds;
    },
    onFailed: (usage) => {
      record.usage = usage;
    },
  });
  c.executionCtx.waitUntil(running.catch(() => {}));
  try {
    return await running;
  } catch (error) {
    if (adapter && error instanceof AdaptersExhaustedError) throw exceedsAdapterSpace(error, engine, adapter);
    // Its file is read at the first evaluation; those of the model have been by then.
    if (adapter && error instanceof ModelFilesError) throw unavailableAdapter(error, adapter);
    if (error instanceof SlotsExhaustedError) throw cache(error);
    throw error instanceof MemoryExhaustedError ? memory(error) : other(error);
  }
}

/** The catalogue that a request names, in memory. @throws ApiError */
async function catalogueOf(
  c: Context<AppEnv>,
  model: ServedModel,
  { options }: GenerationRequest,
): Promise<SearchedCatalogue | undefined> {
  if (options.catalogue === undefined) return undefined;
  const context = {
    source: modelSource(c.env),
    sha256: workerdPlatform.sha256,
    limits: queueLimitsOf(c.env),
    signal: c.req.raw.signal,
  };
  const loading = loadCatalogue(model, options.catalogue, context);
  c.executionCtx.waitUntil(loading.catch(() => {}));
  try {
    return searchedPart(model, await loading, options.catalogue_prefix);
  } catch (error) {
    throw forClient(error);
  }
}

/**
 * Waits for the memory of an answer without a generation.
 * @param bytes at most the maximum of the budget
 * @throws ApiError 503 when there is none
 */
export async function reserveMemory(
  c: Context<AppEnv>,
  { engine: { admission, memory } }: ServedModel,
  bytes: number,
): Promise<MemoryReservation> {
  try {
    const { value } = await admission.admit(
      () => memory.reserve(bytes),
      queueLimitsOf(c.env),
      c.req.raw.signal,
    );
    return value;
  } catch (error) {
    throw forClient(error);
  }
}

export function strategyOf(options: ResolvedOptions): StrategyName {
  const { catalogue, do_sample, num_beams, num_beam_groups } = options;
  if (catalogue !== undefined) return 'catalogue_search';
  if (num_beams === 1) return do_sample ? 'sampling' : 'greedy';
  if (num_beam_groups > 1) return 'diverse_beam_search';
  return do_sample ? 'beam_sampling' : 'beam_search';
}

/** How a contract writes a stream. */
export interface StreamFormat<Event = GenerationEvent> {
  /** The messages of an event. */
  event(event: Event): Iterable<SSEMessage>;
  /** The messages after the last event. */
  end(): Iterable<SSEMessage>;
  /** The message of an error within the stream. */
  error(error: ApiError): SSEMessage;
}

/** Events of running work. */
export interface EventSource<Event> {
  /** Leaving the loop frees the space. */
  readonly events: AsyncIterable<Event>;
  /** So far. */
  readonly usage: Usage;
  readonly request?: GenerationRequest;
}

export function streamEvents<Event>(
  c: Context<AppEnv>,
  generation: EventSource<Event>,
  format: StreamFormat<Event>,
): Response {
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
      const api = toApiError(forClient(error, generation.request));
      record.error = api.details.code ?? 'error';
      await sse.writeSSE(format.error(api));
    } finally {
      record.usage = generation.usage;
      if (isDisconnected()) record.error = CLIENT_GONE;
      resolve();
    }
  });
}

/**
 * Converts the engine's transient errors to a 503, and that of a constraint to a 400; returns any other error
 * unchanged.
 */
function forClient(error: unknown, request?: GenerationRequest): unknown {
  // While a text is generated: the text has too many readings.
  if (error instanceof ConstraintError && request?.constraint) {
    return refusedConstraint(error, request.constraint);
  }
  if (error instanceof QueueFullError || error instanceof QueueTimeoutError) {
    return retryLater('overloaded', `Busy: ${error.message}`);
  }
  if (error instanceof LeaseExpiredError) {
    return retryLater(
      'lease_expired',
      'The client read nothing of the answer for too long, and its memory went to another request',
    );
  }
  return error;
}
