/** @module Helpers that evaluate tokens and return logits. */
import type { LanguageModel, TokenTree, TreeNode } from '../../decoding/interface/token-tree.ts';

/** Appends `tokens` as a chain under `parent`. */
export function appendAll(tree: TokenTree, parent: TreeNode | null, tokens: readonly number[]): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (const token of tokens) nodes.push(tree.append(nodes.at(-1) ?? parent, token));
  return nodes;
}

/** Evaluates nodes in one call, all with logits. */
export async function logitsOf(
  model: LanguageModel,
  tree: TokenTree,
  nodes: readonly TreeNode[],
): Promise<Float32Array[]> {
  const evaluations = nodes.map((node) => ({ node, logits: new Float32Array(model.vocabSize) }));
  await tree.evaluate(evaluations);
  return evaluations.map(({ logits }) => logits);
}

/** The logits of every position of a sequence, from a separate tree. */
export async function sequenceLogits(
  model: LanguageModel,
  tokens: readonly number[],
): Promise<Float32Array[]> {
  const tree = model.open(tokens.length);
  try {
    return await logitsOf(model, tree, appendAll(tree, null, tokens));
  } finally {
    tree.close();
  }
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? Number.NaN))), 0);
}
