/** @module The best continuations of several rows at once: `torch.topk` over their scores laid end to end. */

export interface Candidate {
  /** Which row it continues. */
  readonly row: number;
  readonly token: number;
  /** Of the hypothesis with this token. */
  readonly score: number;
}

/**
 * The `count` largest of `base[row] + rows[row][token]`, each sum in float32, largest first; of equal ones the lower row
 * and token comes first. Scores of -Infinity are no candidates, so there may be fewer.
 */
export function topCandidates(
  rows: readonly Float32Array[],
  base: readonly number[],
  count: number,
): Candidate[] {
  // A heap with the worst of the best on top: almost every token fails one comparison with it.
  const heap: Candidate[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (const [row, scores] of rows.entries()) {
    const start = base[row] as number;
    for (let token = 0; token < scores.length; token++) {
      const score = Math.fround(start + (scores[token] as number));
      if (!(score > least)) continue;
      if (heap.length < count) {
        push(heap, { row, token, score });
      } else {
        heap[0] = { row, token, score };
        sink(heap);
      }
      if (heap.length === count) least = (heap[0] as Candidate).score;
    }
  }
  return heap.sort((a, b) => b.score - a.score || a.row - b.row || a.token - b.token);
}

/** Whether `a` gives way to `b`: the lower score, and of equal ones the later. */
function isWorse(a: Candidate, b: Candidate): boolean {
  return a.score !== b.score ? a.score < b.score : a.row !== b.row ? a.row > b.row : a.token > b.token;
}

function push(heap: Candidate[], candidate: Candidate): void {
  let i = heap.push(candidate) - 1;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (!isWorse(candidate, heap[parent] as Candidate)) break;
    heap[i] = heap[parent] as Candidate;
    i = parent;
  }
  heap[i] = candidate;
}

function sink(heap: Candidate[]): void {
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
