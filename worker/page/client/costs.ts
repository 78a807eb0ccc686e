/** @module The costs of a search, derived from its events. */
import { activeAt, pathTo, type SearchTree, type TreeNode } from './search-tree.ts';

/** Cache use besides the prompt, in tokens. */
export interface Slots {
  /** Generated tokens in the cache, each shared prefix counted once. */
  readonly shared: number;
  /** The same if each branch had its own copy of its prefix. */
  readonly copied: number;
  /** Active beams or samples: without sharing, the number of copies of the prompt. */
  readonly branches: number;
}

/** Cache use of the forward pass before a step: the prefixes of all branches active after the step before. */
export function slotsAt(tree: SearchTree, step: number): Slots {
  if (step <= 1) return { shared: 0, copied: 0, branches: 1 };
  const branches = branchesAt(tree, step - 1);
  return { shared: distinctTokens(activeAt(tree, step - 1)), copied: branches * (step - 1), branches };
}

/** Tokens on the paths to `nodes`, each shared prefix counted once, also across groups of beams. */
function distinctTokens(nodes: readonly TreeNode[]): number {
  const root: Trie = new Map();
  let count = 0;
  for (const node of nodes) {
    let trie = root;
    for (const { text } of pathTo(node)) {
      let next = trie.get(text);
      if (!next) {
        next = new Map();
        trie.set(text, next);
        count++;
      }
      trie = next;
    }
  }
  return count;
}

interface Trie extends Map<string, Trie> {}

const branchesAt = (tree: SearchTree, step: number): number =>
  activeAt(tree, step).reduce((sum, { branches }) => sum + branches, 0);

/** The maximum of active branches after any step. */
export function maxBranches(tree: SearchTree): number {
  let maximum = 1;
  for (let step = 1; step <= tree.steps; step++) maximum = Math.max(maximum, branchesAt(tree, step));
  return maximum;
}

/**
 * The forward passes of a search: one per `maxRows` uncached prompt tokens, then one per step after the
 * first, which uses the logits of the prompt's last row. A fully cached prompt still needs a pass for those.
 * @param uncachedTokens tokens of the prompt that had to be computed
 */
export function countPasses(
  steps: number,
  branches: number,
  uncachedTokens: number,
  maxRows: number,
): number {
  if (steps === 0) return 0;
  const promptPasses = Math.max(1, Math.ceil(uncachedTokens / maxRows));
  // `maxRows` is infinite until the server has reported it.
  return promptPasses + (steps - 1) * Math.max(1, Math.ceil(branches / maxRows));
}
