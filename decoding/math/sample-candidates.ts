/** @module Sampled continuations of several rows: `torch.multinomial` over their concatenated scores. */
import { exponential } from './elementary.ts';
import type { Random } from './random.ts';
import { largestScore } from './softmax.ts';
import type { Candidate } from './top-candidates.ts';

/** Tokens per block. The weights of each block are summed first, so a draw scans only the chosen block. */
const BLOCK = 256;

/** Reuses its buffer from step to step. */
export class CandidateSampler {
  /** For each block, the sum of the weights of tokens not drawn yet. */
  #sums = new Float64Array(0);

  /**
   * Draws up to `count` candidates from softmax(base + rows) without replacement, renormalized after each
   * draw. Consumes one number of `random` per draw.
   * @param rows [beams][vocab_size]
   * @param base [beams] added to every score of a row
   * @returns the candidates in the order of the draw
   */
  sample(rows: readonly Float32Array[], base: readonly number[], count: number, random: Random): Candidate[] {
    const blocks = weightBlocks(rows, base);
    if (this.#sums.length < blocks.length) this.#sums = new Float64Array(blocks.length);
    const sums = this.#sums.subarray(0, blocks.length);
    for (let i = 0; i < sums.length; i++) sums[i] = blocks.sum(i, []);
    const drawn: Candidate[] = [];
    while (drawn.length < count) {
      const { block, offset } = pickBlock(sums, random);
      if (block < 0) break;
      drawn.push(blocks.draw(block, offset, drawn));
      // Sum again: subtracting the drawn weight would accumulate rounding errors.
      sums[block] = blocks.sum(block, drawn);
    }
    return drawn;
  }
}

/**
 * Picks a block by its weight.
 * @returns also the random offset into the block; block -1 when no weight is left
 */
function pickBlock(sums: Float64Array, random: Random): { block: number; offset: number } {
  let offset = random() * sums.reduce((total, sum) => total + sum, 0);
  let block = -1;
  for (let i = 0; i < sums.length; i++) {
    const sum = sums[i] as number;
    if (!(sum > 0)) continue;
    // If rounding leaves a remainder at the end, the last block with any weight is picked.
    block = i;
    if (offset < sum) break;
    offset -= sum;
  }
  return { block, offset };
}

/** The rows' tokens in blocks, with weights exp(base + score - largest). */
function weightBlocks(rows: readonly Float32Array[], base: readonly number[]) {
  const largestOfRows = rows.map((scores, row) => (base[row] as number) + largestScore(scores));
  // The largest score of a row of banned tokens is NaN. A score that is no finite float would be reported as
  // -Infinity; if no row has another, then `largest` is -Infinity, no weight is a number, and nothing is drawn.
  const largest = Math.max(...largestOfRows.filter((score) => Number.isFinite(Math.fround(score))));
  const width = rows[0]?.length ?? 0;
  const perRow = Math.ceil(width / BLOCK);

  const scoreOf = (row: number, token: number) =>
    (base[row] as number) + ((rows[row] as Float32Array)[token] as number);
  const rowOf = (block: number) => Math.floor(block / perRow);
  const startOf = (block: number) => (block % perRow) * BLOCK;
  const endOf = (block: number) => Math.min(startOf(block) + BLOCK, width);
  const isDrawn = (drawn: readonly Candidate[], row: number, token: number) =>
    drawn.some((candidate) => candidate.row === row && candidate.token === token);

  return {
    length: rows.length * perRow,

    /** The sum of a block's weights, except those of `drawn`. */
    sum(block: number, drawn: readonly Candidate[]): number {
      const row = rowOf(block);
      const [scores, rowBase, end] = [rows[row] as Float32Array, base[row] as number, endOf(block)];
      let sum = 0;
      for (let token = startOf(block); token < end; token++) {
        if (drawn.length > 0 && isDrawn(drawn, row, token)) continue;
        sum += exponential(rowBase + (scores[token] as number) - largest);
      }
      return sum;
    },

    /** The token at which the cumulative weight of a block, except `drawn`, exceeds `offset`. */
    draw(block: number, offset: number, drawn: readonly Candidate[]): Candidate {
      const row = rowOf(block);
      const end = endOf(block);
      let [cumulative, chosen] = [0, -1];
      for (let token = startOf(block); token < end && (chosen < 0 || cumulative <= offset); token++) {
        const weight = isDrawn(drawn, row, token) ? 0 : exponential(scoreOf(row, token) - largest);
        if (weight === 0) continue;
        chosen = token;
        cumulative += weight;
      }
      return { row, token: chosen, score: Math.fround(scoreOf(row, chosen)) };
    },
  };
}
