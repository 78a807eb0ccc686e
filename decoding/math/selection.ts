/**
 * @module The k largest scores of a row, or its smallest head with a given mass, without sorting: a radix
 * selection on the bits of 32-bit keys, most significant digit first. It takes three passes for any scores
 * and is exact, ties included. A heap selects a small k.
 */
import { freeBuffer } from './free-buffer.ts';

/** Shifts of the three digits of a key, which have 10, 11 and 11 bits. */
const SHIFTS = [22, 11, 0];
const DIGITS = 2 ** 11;
/** Up to this k a heap is faster than three passes: it rejects almost every score after one comparison. */
const MAX_HEAP_SIZE = 256;

/** Buffers for one selection at a time, reused from row to row until they are freed. */
export class SelectionWorkspace {
  /** [row length] The contribution of each token to the mass. */
  weights = new Float64Array(0);
  /** [row length] Sort keys of the tokens, ascending. */
  keys = new Uint32Array(0);
  /** A view of `keys`: non-negative floats sort like their bits. */
  floats = new Float32Array(0);
  /** A min-heap of the k largest scores so far. */
  readonly heap = new Float32Array(MAX_HEAP_SIZE);
  /** Per digit: the mass and the number of the tokens with it. */
  readonly masses = new Float64Array(DIGITS);
  readonly counts = new Uint32Array(DIGITS);

  /** Keeps the buffers of the longest row so far: whole rows alternate with the best of others. */
  resize(length: number): void {
    if (this.keys.length === length) return;
    const isLonger = this.keys.buffer.byteLength < length * Uint32Array.BYTES_PER_ELEMENT;
    if (isLonger) this.free();
    const weights = isLonger ? new ArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT) : this.weights.buffer;
    const keys = isLonger ? new ArrayBuffer(length * Uint32Array.BYTES_PER_ELEMENT) : this.keys.buffer;
    this.weights = new Float64Array(weights, 0, length);
    this.keys = new Uint32Array(keys, 0, length);
    this.floats = new Float32Array(keys, 0, length);
  }

  /** Frees the buffers; the next row makes new ones. They take twelve bytes for each token of the vocabulary. */
  free(): void {
    freeBuffer(this.weights.buffer);
    freeBuffer(this.keys.buffer);
    this.weights = new Float64Array(0);
    this.keys = new Uint32Array(0);
    this.floats = new Float32Array(0);
  }

  /** Orders the tokens by score, the largest first and NaN before all, as `torch.topk` does. */
  orderDescending(scores: Float32Array): void {
    this.resize(scores.length);
    this.floats.set(scores);
    const { keys } = this;
    for (let i = 0; i < keys.length; i++) {
      const bits = keys[i] as number;
      keys[i] = (bits & 0x7fffffff) > 0x7f800000 ? 0 : descending(bits);
    }
  }
}

/** Maps the bits of a float to a key in descending order of the floats, and back: it is its own inverse. */
function descending(bits: number): number {
  return bits ^ (~(bits >> 31) & 0x7fffffff);
}

/** The last key of a head. `mass` and `count` cover the smaller keys only, not the tokens tied at `key`. */
export interface Threshold {
  key: number;
  mass: number;
  count: number;
}

/**
 * Finds the key at which tokens in ascending order reach both `mass` and `count`, or the last key if they
 * never do. With a mass of 0 the weights are not read.
 */
export function findThreshold(
  { keys, weights, masses, counts }: SelectionWorkspace,
  mass: number,
  count: number,
): Threshold {
  const threshold: Threshold = { key: 0, mass: 0, count: 0 };
  let decidedBits = 0;
  for (const shift of SHIFTS) {
    masses.fill(0);
    counts.fill(0);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as number;
      if (((key ^ threshold.key) & decidedBits) !== 0) continue;
      const digit = (key >>> shift) & (DIGITS - 1);
      counts[digit] = (counts[digit] as number) + 1;
      if (mass > 0) masses[digit] = (masses[digit] as number) + (weights[i] as number);
    }
    threshold.key |= findDigit(threshold, masses, counts, mass, count) << shift;
    decidedBits = -1 << shift;
  }
  threshold.key >>>= 0;
  return threshold;
}

/** Returns the digit in which the head ends, and adds the tokens with smaller digits to the threshold. */
function findDigit(
  threshold: Threshold,
  masses: Float64Array,
  counts: Uint32Array,
  mass: number,
  count: number,
): number {
  let last = -1;
  for (let digit = 0; digit < DIGITS; digit++) {
    if (counts[digit] === 0) continue;
    // Not before there is a next digit: by rounding, the sums of all digits can fall short of the mass.
    if (last >= 0) {
      threshold.mass += masses[last] as number;
      threshold.count += counts[last] as number;
    }
    last = digit;
    const reached = threshold.mass + (masses[digit] as number) >= mass;
    if (reached && threshold.count + (counts[digit] as number) >= count) break;
  }
  return last;
}

/** The k-th largest score, duplicates counted (`torch.topk(scores, k)[0][-1]`); NaN counts as the largest. */
export function kthLargest(scores: Float32Array, k: number, workspace: SelectionWorkspace): number {
  const fromHeap =
    k <= Math.min(MAX_HEAP_SIZE, scores.length) ? kthByHeap(scores, workspace.heap, k) : Number.NaN;
  return Number.isNaN(fromHeap) ? kthByRadix(scores, k, workspace) : fromHeap;
}

/** The k-th largest score; NaN if the row has a NaN. */
function kthByHeap(scores: Float32Array, heap: Float32Array, k: number): number {
  heap.fill(Number.NEGATIVE_INFINITY, 0, k);
  let minimum = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    if (score <= minimum) continue;
    if (Number.isNaN(score)) return score;
    replaceMinimum(heap, k, score);
    minimum = heap[0] as number;
  }
  return minimum;
}

/** Replaces the root, the minimum, of a heap of k by `score` and sifts it down. */
function replaceMinimum(heap: Float32Array, k: number, score: number): void {
  let i = 0;
  for (let child = 1; child < k; child = 2 * i + 1) {
    if (child + 1 < k && (heap[child + 1] as number) < (heap[child] as number)) child++;
    if ((heap[child] as number) >= score) break;
    heap[i] = heap[child] as number;
    i = child;
  }
  heap[i] = score;
}

function kthByRadix(scores: Float32Array, k: number, workspace: SelectionWorkspace): number {
  workspace.orderDescending(scores);
  // The keys are no longer needed: reuse the first to turn the bits back into a float.
  workspace.keys[0] = descending(findThreshold(workspace, 0, k).key);
  return workspace.floats[0] as number;
}

/**
 * The indices of the k largest scores, by descending score, ties by ascending index. The row must not have
 * NaN.
 */
export function topIndices(scores: Float32Array, k: number, workspace: SelectionWorkspace): number[] {
  const smallest = kthLargest(scores, k, workspace);
  const indices: number[] = [];
  for (let i = 0; i < scores.length; i++) if ((scores[i] as number) > smallest) indices.push(i);
  for (let i = 0; i < scores.length && indices.length < k; i++) if (scores[i] === smallest) indices.push(i);
  return indices.sort((a, b) => (scores[b] as number) - (scores[a] as number));
}
