/** @module Continuations of several rows at once, drawn: `torch.multinomial` over their scores laid end to end. */
import { exponential } from './elementary.ts';
import { largestScore } from './processors/softmax.ts';
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
  const largestOfRows = rows.map((scores, row) => (base[row] as number) + largestScore(scores));
  // A row of banned tokens has none.
  const largest = Math.max(...largestOfRows.filter((score) => !Number.isNaN(score)));
  const blocks = rows.flatMap((_, row) => blocksOf(rows, base, row, largest));
  const drawn: Candidate[] = [];
  while (drawn.length < count) {
    let left = random() * blocks.reduce((total, { sum }) => total + sum, 0);
    let chosen: Block | undefined;
    for (const block of blocks) {
      if (!(block.sum > 0)) continue;
      // Should rounding leave something over at the end, the last with any weight is meant.
      chosen = block;
      if (left < block.sum) break;
      left -= block.sum;
    }
    if (!chosen) break;
    drawn.push(chosen.draw(left));
  }
  return drawn;
}

function blocksOf(
  rows: readonly Float32Array[],
  base: readonly number[],
  row: number,
  largest: number,
): Block[] {
  const scores = rows[row] as Float32Array;
  return Array.from({ length: Math.ceil(scores.length / BLOCK) }, (_, i) => {
    return new Block(row, scores, base[row] as number, largest, i * BLOCK);
  });
}

/** Some tokens of a row, with weights exp(base + score - largest). */
class Block {
  /** Of the weights that are left. */
  sum: number;
  readonly #row: number;
  readonly #scores: Float32Array;
  readonly #base: number;
  readonly #largest: number;
  readonly #begin: number;
  readonly #end: number;
  readonly #drawn = new Set<number>();

  constructor(row: number, scores: Float32Array, base: number, largest: number, begin: number) {
    this.#row = row;
    this.#scores = scores;
    this.#base = base;
    this.#largest = largest;
    this.#begin = begin;
    this.#end = Math.min(begin + BLOCK, scores.length);
    let sum = 0;
    for (let token = this.#begin; token < this.#end; token++) {
      sum += exponential(base + (scores[token] as number) - largest);
    }
    this.sum = sum;
  }

  /** Takes the token out in which the sum of the weights before it passes `at`. */
  draw(at: number): Candidate {
    let [before, token] = [0, -1];
    for (let i = this.#begin; i < this.#end && (token < 0 || before <= at); i++) {
      const weight = this.#weight(i);
      if (weight === 0) continue;
      token = i;
      before += weight;
    }
    this.#drawn.add(token);
    // Summed anew: a difference would keep the rounding of what is gone.
    this.sum = 0;
    for (let i = this.#begin; i < this.#end; i++) this.sum += this.#weight(i);
    const score = Math.fround(this.#base + (this.#scores[token] as number));
    return { row: this.#row, token, score };
  }

  #weight(token: number): number {
    if (this.#drawn.has(token)) return 0;
    return exponential(this.#base + (this.#scores[token] as number) - this.#largest);
  }
}
