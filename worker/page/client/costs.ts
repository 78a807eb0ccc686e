/** @module What a search costs, as far as its events tell. */
import { liveAt, pathTo, type SearchTree, type TreeNode } from './search-tree.ts';

export interface Slots {
  /** Generated tokens that the cache holds: each once, whatever shares it. */
  readonly shared: number;
  /** The same if every beam had a copy of its own past. */
  readonly copied: number;
  /** Beams or samples that go on: so often copying would hold the prompt. */
  readonly branches: number;
}

/** What the forward pass before a step has in the cache beside the prompt: the past of all that went on to it. */
export function slotsAt(tree: SearchTree, step: number): Slots {
  if (step <= 1) return { shared: 0, copied: 0, branches: 1 };
  const branches = branchesAt(tree, step - 1);
  return { shared: distinctTokens(liveAt(tree, step - 1)), copied: branches * (step - 1), branches };
}

/** Tokens on the ways to some nodes, once for each beginning: groups of beams share them too. */
function distinctTokens(nodes: readonly TreeNode[]): number {
  const root: Trie = new Map();
  let count = 0;
  for (const node of nodes) {
    let place = root;
    for (const { text } of pathTo(node)) {
      let next = place.get(text);
      if (!next) {
        next = new Map();
        place.set(text, next);
        count++;
      }
      place = next;
    }
  }
  return count;
}

interface Trie extends Map<string, Trie> {}

const branchesAt = (tree: SearchTree, step: number): number =>
  liveAt(tree, step).reduce((sum, { branches }) => sum + branches, 0);

/** The most that went on from any step. */
export function mostBranches(tree: SearchTree): number {
  let most = 1;
  for (let step = 1; step <= tree.steps; step++) most = Math.max(most, branchesAt(tree, step));
  return most;
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
