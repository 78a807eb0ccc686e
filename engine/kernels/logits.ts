/** @module The kernels over a row of logits: their types, and the memory that they work in. */

/** Limits of a question; decoding takes the whole row instead. */
export const MAX_K = 4096;
export const MAX_LISTED = 8192;
/** Steps of ln 2 / 32 by which weights are counted, from 1 down to 2^-150. */
export const WEIGHT_STEPS = 150 * 32 + 1;

const WORD_BYTES = 4;

/** Bytes of what the exponentials need. */
export const TABLE_BYTES = 400;

/** Offsets in the scratch memory of a question, and its size. */
export const LOGITS_SCRATCH = (() => {
  const heap = 0;
  const counts = heap + MAX_K * WORD_BYTES;
  const tokens = counts + WEIGHT_STEPS * WORD_BYTES;
  const logits = tokens + MAX_LISTED * WORD_BYTES;
  return { heap, counts, tokens, logits, bytes: logits + MAX_LISTED * WORD_BYTES };
})();

/** All addresses are bytes in the heap; `logits` are n floats. */
export interface LogitsKernel {
  /** @param table receives {@link TABLE_BYTES} for the other calls */
  fillExponentialTable(table: number): void;

  /** The largest logit that is no NaN. */
  largest(logits: number, n: number): number;

  /** The first index of a value, or -1. */
  indexOf(logits: number, n: number, value: number): number;

  /** Σ exp(logit / divisor - shift), in the order of the row; each quotient is an f32, the rest doubles. */
  sumExponentials(logits: number, n: number, divisor: number, shift: number, table: number): number;

  /**
   * The same, and counts the terms by their size.
   * @param counts receives {@link WEIGHT_STEPS} u32: entry i for terms from 2^((-i - 1/2) / 32) to 2^((-i + 1/2) / 32)
   */
  countExponentials(
    logits: number,
    n: number,
    divisor: number,
    shift: number,
    table: number,
    counts: number,
  ): number;

  /** Σ of the same terms, each rounded to f32. */
  sumWeights(logits: number, n: number, divisor: number, shift: number, table: number): number;

  /** The term of one logit, as an f32. */
  weightOf(logit: number, divisor: number, shift: number, table: number): number;

  /** The index at which `remaining`, less the f32 terms so far, is negative; else the last that is not 0. */
  draw(logits: number, n: number, divisor: number, shift: number, table: number, remaining: number): number;

  /**
   * Adds n logits to the normalizer of a row that comes in blocks.
   * @param normalizer two f64: the largest so far, -Infinity at first, and Σ exp(logit - largest), 0 at first
   */
  addToNormalizer(logits: number, n: number, normalizer: number, table: number): void;

  /** The k-th largest; NaN if there is a NaN, -Infinity if n < k. @param heap k floats */
  kthLargest(logits: number, n: number, k: number, heap: number): number;

  /**
   * Lists the indices and logits of at least `least`, in the order of the row.
   * @param tokens receives up to `capacity` u32
   * @param values receives up to `capacity` f32
   * @returns their number; more than `capacity` if they are more
   */
  collect(logits: number, n: number, least: number, tokens: number, values: number, capacity: number): number;
}

/** @param memory the heap's */
export function logitsKernel(module: WebAssembly.Module, memory: WebAssembly.Memory): LogitsKernel {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as LogitsKernel;
}
