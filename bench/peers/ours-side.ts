/** @module edgebeam's `decode()` and its bare forward pass, in Node and in workerd. */
import { type DecodingOptions, decode } from '../../decoding/index.ts';
import type { TreeNode } from '../../decoding/interface/token-tree.ts';
import type { Engine } from '../../engine/engine.ts';
import { type Answer, type Forward, type Generate, type PeerSide, stopwatch } from './protocol.ts';

export function edgebeamSide(engine: Engine): PeerSide {
  return {
    perform: (task) => (task.kind === 'generate' ? generate(engine, task) : forward(engine, task)),
  };
}

async function generate(engine: Engine, { prompt, tokens, beams }: Generate): Promise<Answer> {
  const options: DecodingOptions = { max_new_tokens: tokens, num_beams: beams, ignore_eos: true };
  const watch = stopwatch();
  const events = decode(engine, prompt.ids, options);
  for (;;) {
    const { done, value } = await events.next();
    if (done) return { ...watch.timing(tokens), ids: value.sequences[0]?.tokens ?? [] };
    watch.token();
  }
}

async function forward(engine: Engine, { rows, past, times }: Forward): Promise<Answer> {
  const tree = engine.open(past.ids.length + rows);
  try {
    const nodes: TreeNode[] = [];
    for (const id of past.ids) nodes.push(tree.append(nodes.at(-1) ?? null, id));
    await tree.evaluate(nodes.map((node) => ({ node })));
    const logits = Array.from({ length: rows }, () => new Float32Array(engine.vocabSize));
    const begin = performance.now();
    for (let i = 0; i < times; i++) {
      const evaluations = logits.map((row, j) => ({
        node: tree.append(nodes.at(-1) ?? null, past.ids[j] ?? 0),
        logits: row,
      }));
      await tree.evaluate(evaluations);
      for (const { node } of evaluations) tree.release(node);
    }
    return { firstMilliseconds: (performance.now() - begin) / times, stepMilliseconds: null };
  } finally {
    tree.close();
  }
}
