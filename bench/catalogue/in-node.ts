/** @module Searches of the list in Node: by beams over the catalogue, by scoring every entry, and by free beams. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Catalogue } from '../../decoding/catalogue/trie.ts';
import { decodeAll } from '../../decoding/decode.ts';
import type { Evaluation, TreeNode } from '../../decoding/interface/token-tree.ts';
import type { Engine } from '../../engine/engine.ts';
import { loadEngine } from '../../engine/node/load-engine.ts';
import { entriesOf, NAME, promptOf } from './lists.ts';

export interface NodeFigures {
  /** Of each query alone. */
  readonly milliseconds: readonly number[];
  /** Queries a second, four at a time. */
  readonly perSecond: number;
  /** Of scoring all entries after one prompt, from a sample of them. */
  readonly bruteMilliseconds: number;
  /** Share of the texts of a beam search without the catalogue that are entries. */
  readonly legalShare: number;
  readonly freeMilliseconds: number;
}

const DEPTH = 5;
const CONCURRENT = 4;
/** Entries of a pass, which scores their tokens after the same prompt. */
const SCORED_AT_ONCE = 12;

export async function measureInNode(
  model: string,
  { beams, queries }: { readonly beams: number; readonly queries: number },
): Promise<NodeFigures> {
  const engine = await loadEngine(model);
  const catalogue = Catalogue.read(await readFile(join(model, 'catalogues', `${NAME}.trie`)));
  const search = (index: number) =>
    decodeAll(
      engine,
      promptOf(engine.vocabSize, index),
      { catalogue: NAME, num_beams: beams, num_return_sequences: 10 },
      { catalogue },
    );
  await search(0);
  const milliseconds: number[] = [];
  for (let i = 1; i <= queries; i++) milliseconds.push(await timed(() => search(i)));
  const together = await timed(() =>
    Promise.all(
      Array.from({ length: CONCURRENT }, async (_, lane) => {
        for (let i = 0; i < queries; i++) await search(100 + lane * queries + i);
      }),
    ),
  );
  const bruteMilliseconds = await scoreAll(engine, queries);
  const texts = new Set(Array.from(catalogue.entries(), ({ tokens }) => tokens.join()));
  let legal = 0;
  let found = 0;
  const freeMilliseconds = await timed(async () => {
    const options = { num_beams: beams, num_return_sequences: 10, max_new_tokens: DEPTH, ignore_eos: true };
    const { sequences } = await decodeAll(engine, promptOf(engine.vocabSize, 0), options);
    found = sequences.length;
    legal = sequences.filter(({ tokens }) => texts.has(tokens.join())).length;
  });
  engine.release();
  return {
    milliseconds,
    perSecond: (1000 * CONCURRENT * queries) / together,
    bruteMilliseconds,
    legalShare: legal / found,
    freeMilliseconds,
  };
}

/** Every entry's own tokens after the prompt, which is computed once: of each token one logit and the normalizer. */
async function scoreAll(engine: Engine, passes: number): Promise<number> {
  const entries = entriesOf(engine.vocabSize);
  const prompt = promptOf(engine.vocabSize, 0);
  const tree = engine.open(prompt.length + SCORED_AT_ONCE * DEPTH);
  const nodes: TreeNode[] = [];
  for (const token of prompt) nodes.push(tree.append(nodes.at(-1) ?? null, token));
  await tree.evaluate(nodes.map((node) => ({ node })));
  const last = nodes.at(-1) ?? null;
  const scorePass = async (pass: number) => {
    const rows: Evaluation[] = [];
    for (const { tokens } of entries.slice(pass * SCORED_AT_ONCE, (pass + 1) * SCORED_AT_ONCE)) {
      let parent = last;
      for (let i = 0; i < DEPTH - 1; i++) {
        const node = tree.append(parent, tokens[i] as number);
        rows.push({ node, gather: { tokens: [tokens[i + 1] as number], read: () => {} } });
        parent = node;
      }
    }
    await tree.evaluate(rows);
    for (const { node } of rows) tree.release(node);
  };
  await scorePass(0);
  const sample = await timed(async () => {
    for (let pass = 1; pass <= passes; pass++) await scorePass(pass);
  });
  tree.close();
  return (sample / (passes * SCORED_AT_ONCE)) * entries.length;
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}
