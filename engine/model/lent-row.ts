/** @module Rows of logits that decoding reads in the heap. */
import type { LogitsRow, Normalizer, TokenLogits } from '../../decoding/interface/logits-row.ts';
import { LOGITS_SCRATCH, type LogitsKernel, MAX_K, MAX_LISTED, WEIGHT_STEPS } from '../kernels/logits.ts';

/** ln 2 / 32, by which the kernel counts terms. */
const STEP_WIDTH = Math.LN2 / 32;
/** The least that a term of each step can be. */
const LEAST_TERMS = Float64Array.from({ length: WEIGHT_STEPS }, (_, i) => Math.exp(-(i + 0.5) * STEP_WIDTH));
/** More than the rounding of a sum of terms, relative to it. */
const SUM_ROUNDING = 1e-9;
/** More than the rounding of float32 scores, relative to them. */
const SCORE_ROUNDING = 2 ** -20;

/** What all rows of a model share. */
export interface RowParts {
  readonly kernel: LogitsKernel;
  /** The heap. */
  readonly heap: {
    floats(address: number, length: number): Float32Array;
    words(address: number, length: number): Uint32Array;
  };
  /** Addresses of `TABLE_BYTES`, and of `LOGITS_SCRATCH.bytes` that nothing else uses while rows are read. */
  readonly table: number;
  readonly scratch: number;
  readonly vocabSize: number;
}

/** @returns a function that lends the row at an address of the heap */
export function rowLender(parts: RowParts): (address: number) => LogitsRow {
  parts.kernel.fillExponentialTable(parts.table);
  return (address) => new LentRow(parts, address);
}

class LentRow implements LogitsRow {
  readonly #parts: RowParts;
  readonly #address: number;

  constructor(parts: RowParts, address: number) {
    this.#parts = parts;
    this.#address = address;
  }

  get values(): Float32Array {
    const { heap, vocabSize } = this.#parts;
    return heap.floats(this.#address, vocabSize);
  }

  normalizer(divisor: number): Normalizer {
    const { kernel, vocabSize, table } = this.#parts;
    const largest = this.#largest(divisor);
    return { largest, total: kernel.sumExponentials(this.#address, vocabSize, divisor, largest, table) };
  }

  nucleus(divisor: number, share: number): Normalizer & { readonly least: number } {
    const { kernel, heap, vocabSize, table, scratch } = this.#parts;
    const largest = this.#largest(divisor);
    const counts = scratch + LOGITS_SCRATCH.counts;
    const total = kernel.countExponentials(this.#address, vocabSize, divisor, largest, table, counts);
    const step = lastStep(heap.words(counts, WEIGHT_STEPS), share * total * (1 + SUM_ROUNDING));
    const depth = (step + 0.5) * STEP_WIDTH;
    const least = largest - depth - (Math.abs(largest) + depth) * SCORE_ROUNDING;
    return { largest, total, least: Math.fround(least * divisor) };
  }

  draw(divisor: number, at: number): { readonly token: number; readonly probability: number } {
    const { kernel, vocabSize, table } = this.#parts;
    const largest = this.#largest(divisor);
    const total = kernel.sumWeights(this.#address, vocabSize, divisor, largest, table);
    const token = kernel.draw(this.#address, vocabSize, divisor, largest, table, at * total);
    const weight = kernel.weightOf(this.values[token] as number, divisor, largest, table);
    return { token, probability: weight / total };
  }

  indexOf(logit: number): number {
    const { kernel, vocabSize } = this.#parts;
    return kernel.indexOf(this.#address, vocabSize, logit);
  }

  kthLargest(k: number): number {
    const { kernel, vocabSize, scratch } = this.#parts;
    if (k > MAX_K) return Number.NaN;
    return kernel.kthLargest(this.#address, vocabSize, k, scratch + LOGITS_SCRATCH.heap);
  }

  atLeast(logit: number): TokenLogits | undefined {
    const { kernel, heap, vocabSize, scratch } = this.#parts;
    const tokens = scratch + LOGITS_SCRATCH.tokens;
    const logits = scratch + LOGITS_SCRATCH.logits;
    const count = kernel.collect(this.#address, vocabSize, logit, tokens, logits, MAX_LISTED);
    if (count > MAX_LISTED) return undefined;
    return { tokens: heap.words(tokens, count), logits: heap.floats(logits, count) };
  }

  /** The largest score. */
  #largest(divisor: number): number {
    const { kernel, vocabSize } = this.#parts;
    return Math.fround(kernel.largest(this.#address, vocabSize) / divisor);
  }
}

/** The first step whose terms, with all larger ones, certainly add up to `mass`; the last step if none does. */
function lastStep(counts: Uint32Array, mass: number): number {
  let sum = 0;
  for (let step = 0; step < WEIGHT_STEPS; step++) {
    sum += (counts[step] as number) * (LEAST_TERMS[step] as number);
    if (sum >= mass) return step;
  }
  return WEIGHT_STEPS - 1;
}
