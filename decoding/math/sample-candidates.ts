/** @module Sampled continuations of several rows: `torch.multinomial` over their concatenated scores. */
import { exponential } from './elementary.ts';
import type { Random } from './random.ts';
import { largestScore } from './softmax.ts';
import type { Candidate, ScoredTokens } from './top-candidates.ts';

/** Tokens per block. The weights of each block are summed first, so a draw scans only the chosen block. */
const BLOCK = 256;

/** Scores of one row whose tokens are in the same block. */
interface Block {
  readonly row: number;
  readonly begin: number;
  readonly end: number;
}

/** Reuses its buffer from step to step. */
export class CandidateSampler {
  /** For each block, the sum of the weights of tokens not drawn yet. */
  #sums = new Float64Array(0);

  /**
   * Draws up to `count` candidates from softmax(base + rows) without replacement, renormalized after each
   * draw. Consumes one number of `random` per draw.
   * @param rows one per beam
   * @param base [beams] added to every score of a row
   * @returns the candidates in the order of the draw
   */
  sample(rows: readonly ScoredTokens[], base: readonly number[], count: number, random: Random): Candidate[] {
    const blocks = rows.flatMap(blocksOf);
    const weights = blockWeights(rows, base);
    if (this.#sums.length < blocks.length) this.#sums = new Float64Array(blocks.length);
    const sums = this.#sums.subarray(0, blocks.length);
    for (const [i, block] of blocks.entries()) sums[i] = weights.sum(block, []);
    const drawn: Candidate[] = [];
    while (drawn.length < count) {
      const { index, offset } = pickBlock(sums, random);
      const block = blocks[index];
      if (!block) break;
      drawn.push(weights.draw(block, offset, drawn));
      // Sum again: subtracting the drawn weight would accumulate rounding errors.
      sums[index] = weights.sum(block, drawn);
    }
    return drawn;
  }
}

/** Blocks without tokens are left out: they would add 0. */
function blocksOf({ scores, tokens }: ScoredTokens, row: number): Block[] {
  const blockOf = (i: number) => Math.floor((tokens ? (tokens[i] as number) : i) / BLOCK);
  const blocks: Block[] = [];
  for (let begin = 0, end = 0; begin < scores.length; begin = end) {
    if (tokens) while (end < scores.length && blockOf(end) === blockOf(begin)) end++;
    else end = Math.min(begin + BLOCK, scores.length);
    blocks.push({ row, begin, end });
  }
  return blocks;
}

/**
 * Picks a block by its weight.
 * @returns also the random offset into the block; index -1 when no weight is left
 */
function pickBlock(sums: Float64Array, random: Random): { index: number; offset: number } {
  let offset = random() * sums.reduce((total, sum) => total + sum, 0);
  let index = -1;
  for (let i = 0; i < sums.length; i++) {
    const sum = sums[i] as number;
    if (!(sum > 0)) continue;
    // If rounding leaves a remainder at the end, the last block with any weight is picked.
    index = i;
    if (offset < sum) break;
    offset -= sum;
  }
  return { index, offset };
}

/** The weights exp(base + score - largest) of blocks. */
function blockWeights(rows: readonly ScoredTokens[], base: readonly number[]) {
  const largestOfRows = rows.map(({ scores }, row) => (base[row] as number) + largestScore(scores));
  // The largest score of a row of banned tokens is NaN. A score that is no finite float would be reported as
  // -Infinity; if no row has another, then `largest` is -Infinity, no weight is a number, and nothing is drawn.
  const largest = Math.max(...largestOfRows.filter((score) => Number.isFinite(Math.fround(score))));

  const candidateAt = (row: number, i: number): Candidate => {
    const { scores, tokens } = rows[row] as ScoredTokens;
    const logprob = scores[i] as number;
    const score = Math.fround((base[row] as number) + logprob);
    return { row, token: tokens ? (tokens[i] as number) : i, logprob, score };
  };
  const isDrawn = (drawn: readonly Candidate[], row: number, i: number) => {
    const tokens = rows[row]?.tokens;
    const token = tokens ? tokens[i] : i;
    return drawn.some((candidate) => candidate.row === row && candidate.token === token);
  };

  return {
    /** The sum of a block's weights, except those of `drawn`. */
    sum({ row, begin, end }: Block, drawn: readonly Candidate[]): number {
      const [{ scores }, rowBase] = [rows[row] as ScoredTokens, base[row] as number];
      let sum = 0;
      for (let i = begin; i < end; i++) {
        if (drawn.length > 0 && isDrawn(drawn, row, i)) continue;
        sum += exponential(rowBase + (scores[i] as number) - largest);
      }
      return sum;
    },

    /** The token at which the cumulative weight of a block, except `drawn`, exceeds `offset`. */
    draw({ row, begin, end }: Block, offset: number, drawn: readonly Candidate[]): Candidate {
      const [{ scores }, rowBase] = [rows[row] as ScoredTokens, base[row] as number];
      let [cumulative, chosen] = [0, -1];
      for (let i = begin; i < end && (chosen < 0 || cumulative <= offset); i++) {
        const weight = isDrawn(drawn, row, i) ? 0 : exponential(rowBase + (scores[i] as number) - largest);
        if (weight === 0) continue;
        chosen = i;
        cumulative += weight;
      }
      return candidateAt(row, chosen);
    },
  };
}
