/** @module What a model does with the heap: how many rows a pass has, how exact its cache is, and how many tokens fit. */
import type { Manifest, ModelConfig } from '../../model-assets/format/manifest.ts';
import { type CachePrecision, pageBytes, SLOTS_PER_PAGE } from '../cache/kv-pool.ts';
import type { HeapAccount } from '../runtime/heap.ts';
import { ModelTooLargeError } from './errors.ts';
import { kernelPassBytes } from './kernel-network.ts';
import { onnxPassBytes } from './onnx-network.ts';
import { pathBytes } from './paths.ts';

/** What onnxruntime's heap may grow to in an isolate of 128 MB, as in `wrangler.toml`; JavaScript takes some 10 MB. */
export const ISOLATE_HEAP_BYTES = 112 * 2 ** 20;

/** Rows of a pass, and so the chunk in which a long prompt goes; fewer than 16 cost more time than they free memory. */
const CHUNKS = [64, 32, 16] as const;
/** The chunk where none leaves room for a whole context: 64 rows are no faster than 32. */
const SMALL_CHUNK = 32;
/** With fewer tokens in its cache a model is of no use. */
const LEAST_SLOTS = 64;

export interface Plan {
  /** Rows of a pass at most. */
  readonly maxRows: number;
  readonly cache: CachePrecision;
  /** Tokens that the cache can hold. */
  readonly slots: number;
  /** Bytes of the heap, by who they are for; `cache` is what is left. */
  readonly bytes: {
    readonly maximum: number;
    readonly onnxruntime: number;
    readonly graphs: number;
    readonly weights: number;
    readonly activations: number;
    readonly cache: number;
  };
}

/** The heap with onnxruntime and the model's graphs in it, in bytes. */
export type HeapBudget = Pick<HeapAccount, 'maximum' | 'onnxruntime' | 'graphs'>;

/** What a plan needs to know of a model. */
export interface Planned extends Pick<Manifest, 'name' | 'config' | 'precision'> {
  readonly shards: readonly { readonly bytes: number }[];
}

/** What a caller may fix. */
export interface PlanOptions {
  readonly maxRows?: number | undefined;
  readonly cache?: CachePrecision | undefined;
}

/**
 * The first of these that leaves room for a whole context: passes of 64 rows with a cache in f32, then in int8, then
 * fewer rows. Where none does, an int8 cache and passes of 32 rows.
 * @param heap with nothing else in it
 * @throws ModelTooLargeError with the arithmetic
 */
export function makePlan(heap: HeapBudget, model: Planned, options: PlanOptions = {}): Plan {
  const plans = (options.maxRows ? [options.maxRows] : CHUNKS).flatMap((maxRows) =>
    (options.cache ? [options.cache] : (['f32', 'int8'] as const)).map((cache) =>
      planOf(heap, model, maxRows, cache),
    ),
  );
  const whole = plans.find(({ slots }) => slots >= model.config.n_positions);
  const small = plans.findLast(({ maxRows }) => maxRows >= SMALL_CHUNK) ?? plans.at(-1);
  const plan = whole ?? (small as Plan);
  if (plan.slots < Math.min(LEAST_SLOTS, model.config.n_positions)) throw tooLarge(plan, model);
  return plan;
}

function planOf(
  { maximum, onnxruntime, graphs }: HeapBudget,
  { config, precision, shards }: Planned,
  maxRows: number,
  cache: CachePrecision,
): Plan {
  const weights = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const activations = activationBytes(config, precision, maxRows);
  const left = maximum - onnxruntime - graphs - weights - activations;
  const slots = SLOTS_PER_PAGE * Math.max(0, Math.floor(left / pageBytes(config, cache)));
  return {
    maxRows,
    cache,
    slots,
    bytes: { maximum, onnxruntime, graphs, weights, activations, cache: left },
  };
}

/** What passes of so many rows take of the heap. */
function activationBytes(config: ModelConfig, precision: Manifest['precision'], maxRows: number): number {
  const network = precision === 'int4' ? kernelPassBytes : onnxPassBytes;
  return network(config, maxRows) + pathBytes(maxRows, config);
}

/** In one line, for a log. */
export function describePlan({ maxRows, cache, slots, bytes: { maximum, ...parts } }: Plan): string {
  return (
    `${mebibytes(maximum)} MiB of heap = ${sumOf(parts)}; the cache is ${cache} and holds ${slots} tokens, ` +
    `a pass has up to ${maxRows} rows`
  );
}

function tooLarge(plan: Plan, { name, config, precision }: Planned): ModelTooLargeError {
  const { maximum, cache, ...parts } = plan.bytes;
  const least = Math.ceil(LEAST_SLOTS / SLOTS_PER_PAGE) * pageBytes(config, plan.cache);
  const needed = Object.values(parts).reduce((sum, bytes) => sum + bytes, least);
  const hint = precision === 'int4' ? 'take a smaller model' : 'convert it with --precision int4';
  return new ModelTooLargeError(
    `${name} does not fit: ${sumOf({ ...parts, [`a cache of ${LEAST_SLOTS} tokens`]: least })} = ` +
      `${mebibytes(needed)} MiB, and the heap's maximum is ${mebibytes(maximum)} MiB. HINT: ${hint}, or on your own ` +
      'machine raise the maximum with --heap',
  );
}

function sumOf(parts: Readonly<Record<string, number>>): string {
  return Object.entries(parts)
    .map(([name, bytes]) => `${name} ${mebibytes(bytes)}`)
    .join(' + ');
}

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
