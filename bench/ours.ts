/**
 * @module edgebeam's engine through decoding's interface: a tree of tokens over one pool of keys and values.
 */
import type { TokenTree, TreeNode } from '../decoding/interface/token-tree.ts';
import type { Engine } from '../engine/engine.ts';
import { MAX_STEP_ROWS, PAST, PROMPT, type Side, syntheticToken, type Timing } from './side.ts';

export function edgebeamSide(engine: Engine): Side {
  const logits = Array.from({ length: MAX_STEP_ROWS }, () => new Float32Array(engine.vocabSize));
  let past: { readonly tree: TokenTree; readonly last: TreeNode } | undefined;

  /** Opened by the first step; a prefill closes it, so that the pool stays as small as in use. */
  async function pastTree() {
    if (past) return past;
    const tree = engine.open(PAST + MAX_STEP_ROWS);
    const last = await evaluatePrompt(tree, PAST, undefined);
    past = { tree, last };
    return past;
  }

  return {
    async prefill() {
      past?.tree.close();
      past = undefined;
      const tree = engine.open(PROMPT);
      const timing = await timed(() => evaluatePrompt(tree, PROMPT, logits[0]));
      tree.close();
      return timing;
    },

    async step(rows) {
      const { tree, last } = await pastTree();
      return timed(async () => {
        const evaluations = logits
          .slice(0, rows)
          .map((row, i) => ({ node: tree.append(last, syntheticToken(i)), logits: row }));
        await tree.evaluate(evaluations);
        for (const { node } of evaluations) tree.release(node);
      });
    },

    heapBytes: () => engine.status.heap.size,
  };
}

/** @returns the last node, which retains all earlier ones */
async function evaluatePrompt(
  tree: TokenTree,
  tokens: number,
  logits: Float32Array | undefined,
): Promise<TreeNode> {
  const nodes: TreeNode[] = [];
  for (let i = 0; i < tokens; i++) nodes.push(tree.append(nodes.at(-1) ?? null, syntheticToken(i)));
  const last = nodes.pop() as TreeNode;
  await tree.evaluate([...nodes.map((node) => ({ node })), logits ? { node: last, logits } : { node: last }]);
  for (const node of nodes) tree.release(node);
  return last;
}

async function timed(work: () => Promise<unknown>): Promise<Timing> {
  const begin = performance.now();
  await work();
  return { run: performance.now() - begin, reorder: 0 };
}
