/** @module The number of token tree nodes, and of rows of logits, that a search needs. */
import type { ResolvedOptions } from './options.ts';

type SearchWidth = Pick<ResolvedOptions, 'num_beams' | 'num_return_sequences'> &
  Partial<Pick<ResolvedOptions, 'best_of'>>;

/** Rows of logits per forward pass when every token's logits are needed: bounds their memory. */
export const SCORED_ROWS = 8;

/** The number of branches or beams that a search extends in each step. */
export function branchCount({ num_beams, num_return_sequences, best_of }: SearchWidth): number {
  return num_beams > 1 ? num_beams : (best_of ?? num_return_sequences);
}

/** The maximum number of simultaneous nodes: the prompt once, and all but the last token of each branch. */
export function requiredNodes(promptLength: number, options: ResolvedOptions): number {
  return promptLength + branchCount(options) * Math.max(options.max_new_tokens - 1, 0);
}

/**
 * The largest `max_new_tokens` with which a prompt and its branches fit into `nodes` nodes; 0 if the prompt
 * does not.
 */
export function maxNewTokensWithin(nodes: number, promptLength: number, branches: number): number {
  return nodes < promptLength ? 0 : Math.floor((nodes - promptLength) / branches) + 1;
}
