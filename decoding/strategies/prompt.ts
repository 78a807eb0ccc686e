/** @module The evaluation of a prompt. */
import type { ModelLogprobs } from '../interface/events.ts';
import type { TokenTree, TreeNode } from '../interface/token-tree.ts';
import { Rows } from '../math/row-pool.ts';
import type { SelectionWorkspace } from '../math/selection.ts';
import { SCORED_ROWS } from '../options/capacity.ts';
import { RawLogprobs } from './raw-logprobs.ts';

/** Appends a prompt to the tree. @returns its nodes; the caller must release each of them */
function appendPrompt(tree: TokenTree, prompt: ArrayLike<number>): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let i = 0; i < prompt.length; i++) {
    nodes.push(tree.append(nodes.at(-1) ?? null, prompt[i] as number));
  }
  return nodes;
}

/**
 * Evaluates a prompt.
 * @param logits `[vocab_size]`, receives the logits of the last token
 * @returns the last token's node, which the caller must release
 */
export async function evaluatePrompt(
  tree: TokenTree,
  prompt: ArrayLike<number>,
  logits: Float32Array,
): Promise<TreeNode> {
  const nodes = appendPrompt(tree, prompt);
  const last = nodes.at(-1) as TreeNode;
  await tree.evaluate(nodes.map((node) => (node === last ? { node, logits } : { node })));
  releaseAllBut(last, nodes, tree);
  return last;
}

/**
 * Evaluates a prompt and computes the log-probabilities of its tokens.
 * @param top number of likeliest tokens to report at each position
 * @returns also one entry per token; null for the first, which has no context
 */
export async function scorePrompt(
  tree: TokenTree,
  prompt: ArrayLike<number>,
  logits: Float32Array,
  top: number,
  workspace: SelectionWorkspace,
): Promise<{ node: TreeNode; logprobs: (ModelLogprobs | null)[] }> {
  const nodes = appendPrompt(tree, prompt);
  const last = nodes.at(-1) as TreeNode;
  using scratch = new Rows(logits.length);
  const raw = new RawLogprobs(scratch.take(1), top, workspace);
  const rows = scratch.take(SCORED_ROWS);
  const logprobs: (ModelLogprobs | null)[] = [null];
  for (let begin = 0; begin < nodes.length; begin += SCORED_ROWS) {
    const chunk = nodes.slice(begin, begin + SCORED_ROWS).map((node, i) => ({
      node,
      logits: node === last ? logits : (rows[i] as Float32Array),
    }));
    await tree.evaluate(chunk);
    for (const [i, { logits }] of chunk.entries()) {
      const next = nodes[begin + i + 1];
      if (!next) break;
      raw.save(0, logits);
      logprobs.push(raw.of(0, next.token));
    }
  }
  releaseAllBut(last, nodes, tree);
  return { node: last, logprobs };
}

/** A node retains its ancestors, so a reference to the last one is enough. */
function releaseAllBut(last: TreeNode, nodes: readonly TreeNode[], tree: TokenTree): void {
  for (const node of nodes) if (node !== last) tree.release(node);
}
