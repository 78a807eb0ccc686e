/**
 * @module The head of a row without sorting it: a radix selection, most significant digit first, over the bits of
 * what the tokens are ordered by. Three passes, whatever the scores; exact, ties included. Few by score come from a heap.
 */

/** Bits below the three digits of a key, of 10, 11 and 11 bits. */
const SHIFTS = [22, 11, 0];
const DIGITS = 2 ** 11;
/** Up to here a heap of the k largest is faster than three passes: almost every score fails one comparison with it. */
const HEAP_MOST = 256;

/** Memory for one selection at a time, kept from row to row. */
export class SelectionWorkspace {
  /** [vocab_size] What each token adds to the mass. */
  weights = new Float64Array(0);
  /** [vocab_size] What the tokens are ordered by, the smallest first. */
  keys = new Uint32Array(0);
  /** The same memory as `keys`: floats of at least 0 are ordered as their bits are. */
  floats = new Float32Array(0);
  /** The largest so far, where few are asked for. */
  readonly heap = new Float32Array(HEAP_MOST);
  readonly masses = new Float64Array(DIGITS);
  readonly counts = new Uint32Array(DIGITS);

  fit(vocabSize: number): void {
    if (this.keys.length === vocabSize) return;
    this.weights = new Float64Array(vocabSize);
    this.keys = new Uint32Array(vocabSize);
    this.floats = new Float32Array(this.keys.buffer);
  }

  /** Orders the tokens by score, the largest first and NaN before all, as `torch.topk` does. */
  orderDescending(scores: Float32Array): void {
    this.fit(scores.length);
    this.floats.set(scores);
    const { keys } = this;
    for (let i = 0; i < keys.length; i++) {
      const bits = keys[i] as number;
      keys[i] = (bits & 0x7fffffff) > 0x7f800000 ? 0 : descending(bits);
    }
  }
}

/** The bits of a float as a key that is the smaller the larger the float is; and back. */
function descending(bits: number): number {
  return bits ^ (~(bits >> 31) & 0x7fffffff);
}

/** The last key of a head. Mass and count are those of the smaller keys: tokens with this very key are not in them. */
export interface Threshold {
  key: number;
  mass: number;
  count: number;
}

/**
 * Takes tokens by ascending key until their weights add up to `mass` and they are `count`, or there are no more.
 * With a mass of 0 the weights are not read.
 */
export function findThreshold(
  { keys, weights, masses, counts }: SelectionWorkspace,
  mass: number,
  count: number,
): Threshold {
  const threshold: Threshold = { key: 0, mass: 0, count: 0 };
  let known = 0;
  for (const shift of SHIFTS) {
    masses.fill(0);
    counts.fill(0);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as number;
      if (((key ^ threshold.key) & known) !== 0) continue;
      const digit = (key >>> shift) & (DIGITS - 1);
      counts[digit] = (counts[digit] as number) + 1;
      if (mass > 0) masses[digit] = (masses[digit] as number) + (weights[i] as number);
    }
    threshold.key |= passDigits(threshold, masses, counts, mass, count) << shift;
    known = -1 << shift;
  }
  threshold.key >>>= 0;
  return threshold;
}

/** The digit in which the head ends; the tokens with smaller ones go to the threshold's mass and count. */
function passDigits(
  threshold: Threshold,
  masses: Float64Array,
  counts: Uint32Array,
  mass: number,
  count: number,
): number {
  let last = -1;
  for (let digit = 0; digit < DIGITS; digit++) {
    if (counts[digit] === 0) continue;
    // Only now: the sums, each in an order of its own, can fall short of the mass by a rounding.
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
  const found = k <= Math.min(HEAP_MOST, scores.length) ? kthByHeap(scores, workspace.heap, k) : Number.NaN;
  return Number.isNaN(found) ? kthBySelection(scores, k, workspace) : found;
}

/** NaN if there is any NaN. */
function kthByHeap(scores: Float32Array, heap: Float32Array, k: number): number {
  heap.fill(Number.NEGATIVE_INFINITY, 0, k);
  let least = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    if (score <= least) continue;
    if (Number.isNaN(score)) return score;
    replaceLeast(heap, k, score);
    least = heap[0] as number;
  }
  return least;
}

/** Puts `score` in the place of the root of a heap of k, where the least is, and lets it sink. */
function replaceLeast(heap: Float32Array, k: number, score: number): void {
  let i = 0;
  for (let child = 1; child < k; child = 2 * i + 1) {
    if (child + 1 < k && (heap[child + 1] as number) < (heap[child] as number)) child++;
    if ((heap[child] as number) >= score) break;
    heap[i] = heap[child] as number;
    i = child;
  }
  heap[i] = score;
}

function kthBySelection(scores: Float32Array, k: number, workspace: SelectionWorkspace): number {
  workspace.orderDescending(scores);
  // The keys have served: the first is where the bits become a float again.
  workspace.keys[0] = descending(findThreshold(workspace, 0, k).key);
  return workspace.floats[0] as number;
}

/** The indices of the k largest scores, by descending score; of equal ones by ascending index. No NaN in the row. */
export function topIndices(scores: Float32Array, k: number, workspace: SelectionWorkspace): number[] {
  const smallest = kthLargest(scores, k, workspace);
  const indices: number[] = [];
  for (let i = 0; i < scores.length; i++) if ((scores[i] as number) > smallest) indices.push(i);
  for (let i = 0; i < scores.length && indices.length < k; i++) if (scores[i] === smallest) indices.push(i);
  return indices.sort((a, b) => (scores[b] as number) - (scores[a] as number));
}
