/** @module The best continuations of several rows: `torch.topk` over their concatenated scores. */

/** A row of scores. */
export interface ScoredTokens {
  readonly scores: Float32Array;
  /** The tokens that have the scores, ascending; all others have -Infinity. Undefined for a whole row. */
  readonly tokens?: Uint32Array | undefined;
}

export interface Candidate {
  /** Index of the row that it continues. */
  readonly row: number;
  readonly token: number;
  /** The token's own score, in its row. */
  readonly logprob: number;
  /** The score of the hypothesis including this token. */
  readonly score: number;
}

/**
 * The `count` largest of `base[row]` plus a score of the row, each sum in float32, largest first, ties by row and
 * token. Scores of -Infinity are excluded, so the result may be shorter.
 */
export function topCandidates(
  rows: readonly ScoredTokens[],
  base: readonly number[],
  count: number,
): Candidate[] {
  // A heap with its worst candidate at the root: it rejects almost every token after one comparison.
  const heap: Candidate[] = [];
  let worst = Number.NEGATIVE_INFINITY;
  for (const [row, { scores, tokens }] of rows.entries()) {
    const rowBase = base[row] as number;
    for (let i = 0; i < scores.length; i++) {
      const logprob = scores[i] as number;
      const score = Math.fround(rowBase + logprob);
      if (!(score > worst)) continue;
      const candidate = { row, token: tokens ? (tokens[i] as number) : i, logprob, score };
      if (heap.length < count) {
        insert(heap, candidate);
      } else {
        heap[0] = candidate;
        siftDown(heap);
      }
      if (heap.length === count) worst = (heap[0] as Candidate).score;
    }
  }
  return heap.sort((a, b) => b.score - a.score || a.row - b.row || a.token - b.token);
}

/** Whether `a` ranks below `b`: by score, ties by row and token. */
function isWorse(a: Candidate, b: Candidate): boolean {
  return a.score !== b.score ? a.score < b.score : a.row !== b.row ? a.row > b.row : a.token > b.token;
}

function insert(heap: Candidate[], candidate: Candidate): void {
  let i = heap.push(candidate) - 1;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (!isWorse(candidate, heap[parent] as Candidate)) break;
    heap[i] = heap[parent] as Candidate;
    i = parent;
  }
  heap[i] = candidate;
}

function siftDown(heap: Candidate[]): void {
  const candidate = heap[0] as Candidate;
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isWorse(heap[child + 1] as Candidate, heap[child] as Candidate)) child++;
    if (!isWorse(heap[child] as Candidate, candidate)) break;
    heap[i] = heap[child] as Candidate;
    i = child;
  }
  heap[i] = candidate;
}
