/** @module Plans the heap of a model: rows per pass, precision of the cache, and its number of slots. */
import type { Manifest, ModelConfig } from '../../model-assets/format/manifest.ts';
import { weightBytes } from '../../model-assets/format/parameters.ts';
import { type CachePrecision, pageBytes, SLOTS_PER_PAGE, slotsIn } from '../cache/kv-pool.ts';
import type { HeapAccount } from '../runtime/heap.ts';
import { UNUSED_STACK_BYTES } from '../runtime/stack-space.ts';
import { adapterBytes } from './adapters.ts';
import { ModelTooLargeError } from './errors.ts';
import { kernelPassBytes } from './kernel-network.ts';
import { adapterPassBytes } from './onnx-adapter-network.ts';
import { onnxPassBytes } from './onnx-network.ts';
import { pathBytes } from './paths.ts';

/**
 * Maximum in an isolate of 128 MB, as in `wrangler.toml`: for the heap, and for what requests hold in JavaScript.
 * The code, the tokenizer and garbage use the rest.
 */
export const ISOLATE_HEAP_BYTES = Math.floor(105.6 * 2 ** 20);

/**
 * Candidates for the rows per pass, which is the chunk size of long prompts. Fewer than 16 cost more time
 * than the memory is worth.
 */
const CHUNK_ROWS = [64, 32, 16] as const;
/** Used when no candidate leaves room for a whole context: 64 rows are no faster than 32. */
const FALLBACK_CHUNK_ROWS = 32;
/** A model with a smaller cache is useless. */
const MIN_SLOTS = 64;
/**
 * The part of the memory beside the model that is not for the cache but for what requests hold in JavaScript. A
 * request of one text needs more of the cache; one of many texts with log-probabilities needs more of this.
 */
const REQUESTS_SHARE = 1 / 4;
/** The part of the memory beside the model up to which several adapters are kept. */
const ADAPTERS_SHARE = 1 / 4;
/** What adapters leave for requests in JavaScript, if there is as much: the objects of one and two rows of logits. */
const leastRequests = ({ vocab_size }: ModelConfig) => 1e5 + 2 * Float32Array.BYTES_PER_ELEMENT * vocab_size;

export interface Plan {
  /** Limit for one pass. */
  readonly maxRows: number;
  readonly cache: CachePrecision;
  /** Capacity of the cache, in tokens. */
  readonly slots: number;
  /**
   * Bytes by use. `requests` are outside the heap, in JavaScript, and reduce it; `cache` is the remainder, with its
   * pages in onnxruntime's stack, which are not counted there.
   */
  readonly bytes: {
    readonly maximum: number;
    readonly onnxruntime: number;
    readonly graphs: number;
    readonly weights: number;
    /** Space for LoRA adapters. */
    readonly adapters: number;
    readonly activations: number;
    readonly requests: number;
    readonly cache: number;
  };
}

/** The heap's maximum, and what onnxruntime and the model's graphs use of it, in bytes. */
export type HeapBudget = Pick<HeapAccount, 'maximum' | 'onnxruntime' | 'unusedStack' | 'graphs'>;

/** In an isolate. onnxruntime and the graphs are a little above the measured values (see `/health`). */
export const ISOLATE_HEAP: HeapBudget = {
  maximum: ISOLATE_HEAP_BYTES,
  onnxruntime: 9.5e6,
  unusedStack: UNUSED_STACK_BYTES,
  graphs: 1e6,
};

/** The part of a manifest that a plan depends on. */
export interface PlannedModel extends Pick<Manifest, 'name' | 'config' | 'precision'> {
  readonly graphs?: Readonly<Record<string, unknown>>;
  readonly adapters?: readonly { readonly file: { readonly bytes: number } }[] | undefined;
  readonly shards: readonly { readonly bytes: number }[];
}

/** Fixes a part of the plan. */
export interface PlanOptions {
  readonly maxRows?: number | undefined;
  readonly cache?: CachePrecision | undefined;
}

/**
 * Takes the first plan with room for a whole context: 64 rows with an f32 cache, then with int8, then fewer
 * rows. Fallback: an int8 cache and 32 rows.
 * @param heap with onnxruntime and the model's graphs only
 * @throws ModelTooLargeError with a breakdown of the heap
 */
export function makePlan(heap: HeapBudget, model: PlannedModel, options: PlanOptions = {}): Plan {
  const plans = (options.maxRows ? [options.maxRows] : CHUNK_ROWS).flatMap((maxRows) =>
    (options.cache ? [options.cache] : (['f32', 'int8'] as const)).map((cache) =>
      createPlan(heap, model, maxRows, cache),
    ),
  );
  const able = withLargestAdapter(plans, model);
  const fullContext = able.find(({ slots }) => slots >= model.config.n_positions);
  const fallback = able.findLast(({ maxRows }) => maxRows >= FALLBACK_CHUNK_ROWS) ?? able.at(-1);
  const plan = fullContext ?? (fallback as Plan);
  if (!hasEnough(plan, model)) throw modelTooLarge(heap, plan, model);
  return plan;
}

/** The plans with space for the largest adapter that any of them has space for. */
function withLargestAdapter(plans: readonly Plan[], { adapters = [] }: PlannedModel): readonly Plan[] {
  const most = Math.max(...plans.map(({ bytes }) => bytes.adapters));
  const sizes = adapters.map(({ file }) => adapterBytes(file.bytes)).filter((bytes) => bytes <= most);
  const largest = Math.max(0, ...sizes);
  return plans.filter(({ bytes }) => bytes.adapters >= largest);
}

const leastSlots = ({ n_positions }: ModelConfig) => Math.min(MIN_SLOTS, n_positions);

const hasEnough = ({ slots }: Plan, { config }: PlannedModel) => slots >= leastSlots(config);

function createPlan(
  { maximum, onnxruntime, unusedStack, graphs }: HeapBudget,
  { config, precision, graphs: files, shards, adapters: listed = [] }: PlannedModel,
  maxRows: number,
  cache: CachePrecision,
): Plan {
  const weights = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const activations = activationBytes(config, precision, files, maxRows);
  const page = pageBytes(config, cache);
  const beside = maximum - onnxruntime - graphs - weights - activations;
  // Weights cannot be in the stack: if they do not fit, its pages are of no use.
  const stackSlots = beside < 0 ? 0 : slotsIn(unusedStack, page);
  const stackBytes = (stackSlots / SLOTS_PER_PAGE) * page;
  const sizes = listed.map(({ file }) => adapterBytes(file.bytes));
  const leastCache = Math.ceil(leastSlots(config) / SLOTS_PER_PAGE) * page;
  const adapters = adapterSpace(sizes, {
    beside,
    stack: stackBytes,
    least: Math.ceil(leastCache / (1 - REQUESTS_SHARE)),
    requests: leastRequests(config),
  });
  const remaining = beside - adapters;
  const requests = Math.max(0, Math.min(remaining, Math.floor((remaining + stackBytes) * REQUESTS_SHARE)));
  return {
    maxRows,
    cache,
    slots: stackSlots + slotsIn(remaining - requests, page),
    bytes: {
      maximum,
      onnxruntime: onnxruntime - stackBytes,
      graphs,
      weights,
      adapters,
      activations,
      requests,
      cache: remaining - requests + stackBytes,
    },
  };
}

interface AdapterRoom {
  /** Bytes beside the model; adapters, and what requests hold, cannot be in the stack. */
  readonly beside: number;
  /** Bytes of the cache there. */
  readonly stack: number;
  /** Bytes of the smallest cache, and of what its requests hold. */
  readonly least: number;
  /** Bytes that requests need. */
  readonly requests: number;
}

/**
 * Space for all adapters that leave a cache and room for requests, or as many as a share of the memory beside the model
 * holds, but at least for the largest.
 */
function adapterSpace(sizes: readonly number[], { beside, stack, least, requests }: AdapterRoom): number {
  const most = Math.min(Math.floor(beside * (1 - REQUESTS_SHARE)), beside - requests, beside + stack - least);
  const fitting = sizes.filter((bytes) => bytes <= most);
  const all = fitting.reduce((sum, bytes) => sum + bytes, 0);
  const largest = Math.max(0, ...fitting);
  const share = Math.floor((beside + stack) * ADAPTERS_SHARE);
  return Math.max(0, Math.min(all, most, Math.max(largest, share)));
}

/** Heap for passes of up to `maxRows` rows. */
function activationBytes(
  config: ModelConfig,
  precision: Manifest['precision'],
  graphs: PlannedModel['graphs'],
  maxRows: number,
): number {
  const onnxBytes = graphs && 'linear' in graphs ? adapterPassBytes : onnxPassBytes;
  const passBytes = precision === 'f32' ? onnxBytes : kernelPassBytes;
  return passBytes(config, maxRows) + pathBytes(maxRows, config);
}

/** One line for a log. */
export function describePlan({ maxRows, cache, slots, bytes: { maximum, ...parts } }: Plan): string {
  return (
    `${mebibytes(maximum)} MiB = ${formatSum(parts)}; ` +
    `the cache is ${cache} and holds ${slots} tokens, a pass has up to ${maxRows} rows`
  );
}

function modelTooLarge(heap: HeapBudget, plan: Plan, model: PlannedModel): ModelTooLargeError {
  const { name, config, precision } = model;
  const { maximum, cache, requests, ...others } = plan.bytes;
  const page = pageBytes(config, plan.cache);
  const pages = Math.ceil(MIN_SLOTS / SLOTS_PER_PAGE);
  const stackBytes = page * Math.min(pages, Math.floor(heap.unusedStack / page));
  const parts = { ...others, onnxruntime: heap.onnxruntime - stackBytes };
  const minCacheBytes = pages * page;
  const needed = Object.values(parts).reduce((sum, bytes) => sum + bytes, minCacheBytes);
  const fitsAtInt4 = precision !== 'int4' && hasEnough(atInt4(heap, model), model);
  const hint = fitsAtInt4 ? 'convert it with --precision int4' : 'use a smaller model';
  return new ModelTooLargeError(
    `${name} does not fit: ${formatSum({ ...parts, [`a cache of ${MIN_SLOTS} tokens`]: minCacheBytes })} = ` +
      `${mebibytes(needed)} MiB, and the heap's maximum is ${mebibytes(maximum)} MiB`,
    `${hint}, or on your own machine raise the maximum with --heap`,
  );
}

function atInt4(heap: HeapBudget, { name, config }: PlannedModel): Plan {
  const shards = [{ bytes: weightBytes(config, 'int4') }];
  return createPlan(heap, { name, config, precision: 'int4', shards }, FALLBACK_CHUNK_ROWS, 'int8');
}

/** What fills the heap, where adapters have no more space. */
export function describeAdapterSpace({ bytes: { maximum, adapters, ...parts } }: Plan): string {
  return `${mebibytes(maximum)} MiB less ${formatSum(parts)} = ${mebibytes(adapters)} MiB`;
}

function formatSum(parts: Readonly<Record<string, number>>): string {
  return Object.entries(parts)
    .filter(([name, bytes]) => name !== 'adapters' || bytes > 0)
    .map(([name, bytes]) => `${name} ${mebibytes(bytes)}`)
    .join(' + ');
}

export const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
