/** @module Continuations of several rows at once, drawn: `torch.multinomial` over their scores laid end to end. */
import { exponential } from './elementary.ts';
import type { Random } from './random.ts';
import { largestScore } from './softmax.ts';
import type { Candidate } from './top-candidates.ts';

/** Tokens of a row whose weights are summed before any is drawn: only the drawn ones' blocks are gone through again. */
const BLOCK = 256;

/** Draws, with memory that it keeps from one step to the next. */
export class CandidateSampler {
  /** Of each block, the weights that are left. */
  #sums = new Float64Array(0);

  /**
   * Draws up to `count` candidates without replacement, each with the probability that softmax(base + rows) gives it
   * among those that are left, in the order of the draw. Takes one number of `random` for each.
   * @param rows [beams][vocab_size]
   * @param base [beams] what a row's scores come on top of
   */
  sample(rows: readonly Float32Array[], base: readonly number[], count: number, random: Random): Candidate[] {
    const blocks = blocksOf(rows, base);
    if (this.#sums.length < blocks.length) this.#sums = new Float64Array(blocks.length);
    const sums = this.#sums.subarray(0, blocks.length);
    for (let i = 0; i < sums.length; i++) sums[i] = blocks.sum(i, []);
    const drawn: Candidate[] = [];
    while (drawn.length < count) {
      const { block, left } = pick(sums, random);
      if (block < 0) break;
      drawn.push(blocks.draw(block, left, drawn));
      // Summed anew: a difference would keep the rounding of what is gone.
      sums[block] = blocks.sum(block, drawn);
    }
    return drawn;
  }
}

/** The block in which a random part of the whole sum ends, and what of it is left there; -1 when nothing is left. */
function pick(sums: Float64Array, random: Random): { block: number; left: number } {
  let left = random() * sums.reduce((total, sum) => total + sum, 0);
  let block = -1;
  for (let i = 0; i < sums.length; i++) {
    const sum = sums[i] as number;
    if (!(sum > 0)) continue;
    // Should rounding leave something over at the end, the last with any weight is meant.
    block = i;
    if (left < sum) break;
    left -= sum;
  }
  return { block, left };
}

/** Blocks of the rows' tokens, with weights exp(base + score - largest). */
function blocksOf(rows: readonly Float32Array[], base: readonly number[]) {
  const largestOfRows = rows.map((scores, row) => (base[row] as number) + largestScore(scores));
  // A row of banned tokens has none.
  const largest = Math.max(...largestOfRows.filter((score) => !Number.isNaN(score)));
  const width = rows[0]?.length ?? 0;
  const perRow = Math.ceil(width / BLOCK);

  const scoreOf = (row: number, token: number) =>
    (base[row] as number) + ((rows[row] as Float32Array)[token] as number);
  const rowOf = (block: number) => Math.floor(block / perRow);
  const beginOf = (block: number) => (block % perRow) * BLOCK;
  const endOf = (block: number) => Math.min(beginOf(block) + BLOCK, width);
  const isDrawn = (drawn: readonly Candidate[], row: number, token: number) =>
    drawn.some((one) => one.row === row && one.token === token);

  return {
    length: rows.length * perRow,

    /** Of the weights of a block without those of `drawn`. */
    sum(block: number, drawn: readonly Candidate[]): number {
      const row = rowOf(block);
      const [scores, start, end] = [rows[row] as Float32Array, base[row] as number, endOf(block)];
      let sum = 0;
      for (let token = beginOf(block); token < end; token++) {
        if (drawn.length > 0 && isDrawn(drawn, row, token)) continue;
        sum += exponential(start + (scores[token] as number) - largest);
      }
      return sum;
    },

    /** The token with which the sum of a block's weights passes `left`, of those that are not in `drawn`. */
    draw(block: number, left: number, drawn: readonly Candidate[]): Candidate {
      const row = rowOf(block);
      const end = endOf(block);
      let [before, chosen] = [0, -1];
      for (let token = beginOf(block); token < end && (chosen < 0 || before <= left); token++) {
        const weight = isDrawn(drawn, row, token) ? 0 : exponential(scoreOf(row, token) - largest);
        if (weight === 0) continue;
        chosen = token;
        before += weight;
      }
      return { row, token: chosen, score: Math.fround(scoreOf(row, chosen)) };
    },
  };
}
