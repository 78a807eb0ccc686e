/** @module Continuations of several rows at once, drawn: `torch.multinomial` over their scores laid end to end. */
import { exponential } from './exponential.ts';
import type { Random } from './random.ts';
import type { Candidate } from './top-candidates.ts';

/** Tokens whose weights are summed before any is drawn: only the drawn ones' blocks are gone through again. */
const BLOCK = 256;

/**
 * Draws up to `count` candidates without replacement, each with the probability that softmax(base + rows) gives it
 * among those that are left, in the order of the draw. Takes one number of `random` for each.
 * @param rows [beams][vocab_size]
 * @param base [beams] what a row's scores come on top of
 */
export function drawCandidates(
  rows: readonly Float32Array[],
  base: readonly number[],
  count: number,
  random: Random,
): Candidate[] {
  const scores = new AccumulatedScores(rows, base);
  const drawn: Candidate[] = [];
  while (drawn.length < count) {
    const candidate = scores.draw(random, drawn);
    if (!candidate) break;
    drawn.push(candidate);
  }
  return drawn;
}

/** base + rows, as weights exp(score - largest) in blocks that do not cross rows. */
class AccumulatedScores {
  readonly #rows: readonly Float32Array[];
  readonly #base: readonly number[];
  readonly #largest: number;
  readonly #blocksPerRow: number;
  readonly #sums: Float64Array;

  constructor(rows: readonly Float32Array[], base: readonly number[]) {
    this.#rows = rows;
    this.#base = base;
    this.#largest = largestSum(rows, base);
    this.#blocksPerRow = Math.ceil((rows[0] as Float32Array).length / BLOCK);
    this.#sums = new Float64Array(rows.length * this.#blocksPerRow);
    for (let block = 0; block < this.#sums.length; block++) this.#sums[block] = this.#sum(block, []);
  }

  /** One candidate that is not in `drawn`; none when no weight is left. */
  draw(random: Random, drawn: readonly Candidate[]): Candidate | undefined {
    let left = random() * this.#sums.reduce((total, sum) => total + sum, 0);
    let chosen = -1;
    for (const [block, sum] of this.#sums.entries()) {
      if (!(sum > 0)) continue;
      // Should rounding leave something over at the end, the last with any weight is meant.
      chosen = block;
      if (left < sum) break;
      left -= sum;
    }
    if (chosen < 0) return undefined;
    const row = Math.floor(chosen / this.#blocksPerRow);
    const { begin, end } = this.#range(chosen);
    let token = -1;
    for (let i = begin; i < end && (token < 0 || left >= 0); i++) {
      const weight = this.#weight(row, i, drawn);
      if (weight === 0) continue;
      token = i;
      left -= weight;
    }
    const candidate = { row, token, score: this.#score(row, token) };
    this.#sums[chosen] = this.#sum(chosen, [...drawn, candidate]);
    return candidate;
  }

  #range(block: number): { begin: number; end: number } {
    const begin = (block % this.#blocksPerRow) * BLOCK;
    return { begin, end: Math.min(begin + BLOCK, (this.#rows[0] as Float32Array).length) };
  }

  /** Of the weights of a block that are left: summed anew, for a difference would keep the rounding of what is gone. */
  #sum(block: number, drawn: readonly Candidate[]): number {
    const row = Math.floor(block / this.#blocksPerRow);
    const { begin, end } = this.#range(block);
    let sum = 0;
    for (let token = begin; token < end; token++) sum += this.#weight(row, token, drawn);
    return sum;
  }

  #weight(row: number, token: number, drawn: readonly Candidate[]): number {
    for (const one of drawn) if (one.token === token && one.row === row) return 0;
    return exponential(this.#score(row, token) - this.#largest);
  }

  #score(row: number, token: number): number {
    return Math.fround((this.#base[row] as number) + ((this.#rows[row] as Float32Array)[token] as number));
  }
}

function largestSum(rows: readonly Float32Array[], base: readonly number[]): number {
  let largest = Number.NEGATIVE_INFINITY;
  rows.forEach((scores, row) => {
    const start = base[row] as number;
    for (let token = 0; token < scores.length; token++) {
      const score = Math.fround(start + (scores[token] as number));
      if (score > largest) largest = score;
    }
  });
  return largest;
}
