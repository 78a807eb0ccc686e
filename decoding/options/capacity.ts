/** @module How many nodes of a token tree a search needs: the one place of this arithmetic. */
import type { ResolvedOptions } from './options.ts';

type SearchWidth = Pick<ResolvedOptions, 'num_beams' | 'num_return_sequences'> &
  Partial<Pick<ResolvedOptions, 'best_of'>>;

/** Branches or beams that a search extends side by side. */
export function branchCount({ num_beams, num_return_sequences, best_of }: SearchWidth): number {
  return num_beams > 1 ? num_beams : (best_of ?? num_return_sequences);
}

/** Nodes that a search holds at one time at most: its prompt once, and each branch's tokens but the last. */
export function requiredNodes(promptLength: number, options: ResolvedOptions): number {
  return promptLength + branchCount(options) * Math.max(options.max_new_tokens - 1, 0);
}

/** The largest `max_new_tokens` for which `branches` branches after a prompt need at most `nodes` nodes; 0 if none does. */
export function maxNewTokensWithin(nodes: number, promptLength: number, branches: number): number {
  return nodes < promptLength ? 0 : Math.floor((nodes - promptLength) / branches) + 1;
}
