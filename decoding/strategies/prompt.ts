/** @module The evaluation of a prompt. */
import type { ModelLogprobs } from '../interface/events.ts';
import type { TokenTree, TreeNode } from '../interface/token-tree.ts';
import { ranksOf } from '../math/ranks.ts';
import { Rows } from '../math/row-pool.ts';
import type { SelectionWorkspace } from '../math/selection.ts';
import { SCORED_ROWS } from '../options/capacity.ts';
import { RawLogprobs } from './raw-logprobs.ts';
import type { LogitsTarget } from './search.ts';

/** Appends a prompt to the tree. @returns its nodes; the caller must release each of them */
export function appendPrompt(tree: TokenTree, prompt: ArrayLike<number>): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let i = 0; i < prompt.length; i++) {
    nodes.push(tree.append(nodes.at(-1) ?? null, prompt[i] as number));
  }
  return nodes;
}

/**
 * Evaluates a prompt, and releases all nodes but the last.
 * @param nodes of the prompt
 * @param target receives the logits of the last token
 */
export async function evaluatePrompt(
  tree: TokenTree,
  nodes: readonly TreeNode[],
  target: LogitsTarget,
): Promise<void> {
  const last = nodes.at(-1) as TreeNode;
  await tree.evaluate(nodes.map((node) => (node === last ? { node, ...target } : { node })));
  releaseAllBut(last, nodes, tree);
}

/**
 * The same, and computes the log-probabilities of the prompt's tokens.
 * @param top number of likeliest tokens to report at each position
 * @returns one entry per token; null for the first, which has no context
 */
export async function scorePrompt(
  tree: TokenTree,
  nodes: readonly TreeNode[],
  target: LogitsTarget,
  { vocabSize, top, workspace }: { vocabSize: number; top: number; workspace: SelectionWorkspace },
): Promise<(ModelLogprobs | null)[]> {
  const last = nodes.at(-1) as TreeNode;
  using scratch = new Rows(vocabSize);
  const raw = new RawLogprobs(() => scratch.take(1), top, workspace);
  const rows = scratch.take(SCORED_ROWS);
  const logprobs: (ModelLogprobs | null)[] = [null];
  for (let begin = 0; begin < nodes.length; begin += SCORED_ROWS) {
    const chunk = nodes.slice(begin, begin + SCORED_ROWS);
    await tree.evaluate(
      chunk.map((node, i) => (node === last ? { node, ...target } : { node, logits: rows[i] })),
    );
    for (let i = 0; i < chunk.length; i++) {
      const next = nodes[begin + i + 1];
      if (!next) break;
      const row = rows[i] as Float32Array;
      raw.save(0, row);
      logprobs.push({ ...raw.of(0, next.token), rank: ranksOf(row, [next.token]).get(next.token) as number });
    }
  }
  releaseAllBut(last, nodes, tree);
  return logprobs;
}

/** A node retains its ancestors, so a reference to the last one is enough. */
function releaseAllBut(last: TreeNode, nodes: readonly TreeNode[], tree: TokenTree): void {
  for (const node of nodes) if (node !== last) tree.release(node);
}
