/** @module What a search costs, as far as its events tell. */
import { liveAt, pathTo, type SearchTree } from './search-tree.ts';

export interface Slots {
  /** Generated tokens that the cache holds: each once, whatever shares it. */
  readonly shared: number;
  /** The same if every beam had a copy of its own past. */
  readonly copied: number;
  /** Beams or samples that go on: so often copying would hold the prompt. */
  readonly branches: number;
}

/** What the forward pass before a step had in the cache, beside the prompt: the past of all that went on to it. */
export function slotsAt(tree: SearchTree, step: number): Slots {
  if (step <= 1) return { shared: 0, copied: 0, branches: 1 };
  const live = liveAt(tree, step - 1);
  const branches = live.reduce((sum, node) => sum + node.branches, 0);
  return { shared: new Set(live.flatMap(pathTo)).size, copied: branches * (step - 1), branches };
}

/**
 * The forward passes of a search: the prompt's, by so many rows as a pass may have, and one for each step after the first,
 * which comes from the prompt's last row. What cached prompts save is rows of the first pass, which is needed for its logits.
 * @param uncached tokens of the prompt that had to be computed
 */
export function passesOf(steps: number, branches: number, uncached: number, maxRows: number): number {
  if (steps === 0) return 0;
  const ofPrompt = Math.max(1, Math.ceil(uncached / maxRows));
  return ofPrompt + (steps - 1) * Math.ceil(branches / maxRows);
}
