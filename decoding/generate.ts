/** @module Generating one continuation of a prompt, token by token. */
import { argmax, sample } from './choose.ts';
import type { Random } from './random.ts';
import type { TokenTree, TreeNode } from './token-tree.ts';

export interface GenerationOptions {
  /** 0 or more. */
  readonly max_new_tokens: number;
  /** 0 is greedy search. */
  readonly temperature: number;
  readonly random: Random;
  readonly eosTokenIds: readonly number[];
}

export type GenerationEvent =
  | { readonly type: 'token'; readonly token: number }
  | { readonly type: 'finished'; readonly reason: 'eos' | 'length' };

/**
 * Greedy search or sampling over `tree`, as transformers' `GenerationMixin._sample`. The end-of-text token ends
 * the text and is not among the tokens. Stopping early is leaving the loop; what the tree holds is the caller's.
 * @param logits a row of `vocabSize` to work in
 */
export async function* generate(
  tree: TokenTree,
  prompt: ArrayLike<number>,
  options: GenerationOptions,
  logits: Float32Array,
): AsyncGenerator<GenerationEvent, void, undefined> {
  if (options.max_new_tokens === 0) {
    yield { type: 'finished', reason: 'length' };
    return;
  }
  let node = await evaluatePrompt(tree, prompt, logits);
  for (let generated = 1; ; generated++) {
    const token =
      options.temperature === 0 ? argmax(logits) : sample(logits, options.temperature, options.random);
    if (options.eosTokenIds.includes(token)) {
      yield { type: 'finished', reason: 'eos' };
      return;
    }
    yield { type: 'token', token };
    if (generated === options.max_new_tokens) {
      yield { type: 'finished', reason: 'length' };
      return;
    }
    node = tree.append(node, token);
    await tree.evaluate([{ node, logits }]);
  }
}

/** @returns the last token's node; its logits are in `logits` */
async function evaluatePrompt(
  tree: TokenTree,
  prompt: ArrayLike<number>,
  logits: Float32Array,
): Promise<TreeNode> {
  const nodes: TreeNode[] = [];
  for (let i = 0; i < prompt.length; i++) {
    nodes.push(tree.append(nodes.at(-1) ?? null, prompt[i] as number));
  }
  const last = nodes.at(-1);
  if (!last) throw new RangeError('the prompt has no tokens');
  await tree.evaluate(nodes.map((node) => (node === last ? { node, logits } : { node })));
  return last;
}
