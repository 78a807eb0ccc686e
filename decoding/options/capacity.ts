/** @module The number of token tree nodes, and of rows of logits, that a search needs. */
import type { TrieLevel } from '../catalogue/trie.ts';
import type { ResolvedOptions } from './options.ts';

type SearchWidth = Pick<ResolvedOptions, 'num_beams' | 'num_return_sequences'> &
  Partial<Pick<ResolvedOptions, 'best_of' | 'guidance_scale' | 'negative_prompt_ids'>>;

/** Rows of logits per forward pass when every token's logits are needed: bounds their memory. */
export const SCORED_ROWS = 8;

/** The number of branches or beams that a search extends in each step. */
export function branchCount({ num_beams, num_return_sequences, best_of }: SearchWidth): number {
  return num_beams > 1 ? num_beams : (best_of ?? num_return_sequences);
}

/** What the model sees of a text that may be longer than the context. */
export interface ContextWindow {
  /** The most tokens that it sees at a time. */
  readonly size: number;
  /** The number of tokens at the beginning of the prompt that it always sees; less than `size`. */
  readonly keep: number;
  /** The number of tokens after those that a reset drops; at most `size - keep`. */
  readonly discard: number;
}

/** The number of paths of the tree that each step extends: with guidance, every branch has a second one. */
export function pathCount(options: SearchWidth): number {
  return branchCount(options) * (isGuided(options) ? 2 : 1);
}

/** Whether a search has a negative prompt beside its own. */
export function isGuided({ guidance_scale = 1 }: SearchWidth): boolean {
  return guidance_scale !== 1;
}

/** Number of tokens of the negative prompt; 0 for a search without one. */
export function negativeLength(options: SearchWidth): number {
  return isGuided(options) ? (options.negative_prompt_ids?.length ?? 1) : 0;
}

/**
 * The maximum number of simultaneous nodes: each prompt once, and all but the last token of each path. In a catalogue
 * there are no more of them at any depth than nodes that go on.
 * @param window of texts that may be longer than the context: each branch has one, and all of them share what it keeps
 */
export function requiredNodes(
  promptLength: number,
  options: ResolvedOptions,
  catalogue?: { readonly levels: readonly TrieLevel[] },
  window?: ContextWindow,
): number {
  const branches = branchCount(options);
  if (catalogue) {
    // The root is the prompt.
    return catalogue.levels
      .slice(1)
      .reduce((sum, { inner }) => sum + Math.min(options.num_beams, inner), promptLength);
  }
  if (window) return window.keep + branches * (window.size - window.keep);
  const length = promptLength + negativeLength(options);
  return length + pathCount(options) * Math.max(options.max_new_tokens - 1, 0);
}

/**
 * The largest `max_new_tokens` with which a prompt and its branches fit into `nodes` nodes; 0 if the prompt
 * does not.
 */
export function maxNewTokensWithin(nodes: number, promptLength: number, options: SearchWidth): number {
  const left = nodes - promptLength - negativeLength(options);
  return left < 0 ? 0 : Math.floor(left / pathCount(options)) + 1;
}

/**
 * The options of the texts of a healed prompt. Its last tokens are generated anew, so that there is room for them beside
 * the tokens that were asked for: a prompt and its text are as long as without healing.
 * @param removed number of tokens that were taken off
 */
export function withHealed(options: ResolvedOptions, removed: number): ResolvedOptions {
  const { max_new_tokens, min_new_tokens } = options;
  return {
    ...options,
    max_new_tokens: max_new_tokens + removed,
    min_new_tokens: min_new_tokens > 0 ? min_new_tokens + removed : 0,
  };
}
