/** @module Searches of the list in Node: by beams over the catalogue, by scoring every entry, and by free beams. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Catalogue } from '../../decoding/catalogue/trie.ts';
import { decodeAll } from '../../decoding/decode.ts';
import { BATCH_ROWS, scorePaths } from '../../decoding/scoring/score-paths.ts';
import type { Engine } from '../../engine/engine.ts';
import { loadEngine } from '../../engine/node/load-engine.ts';
import { multiplications } from '../breakdown.ts';
import { dotPeak } from '../dot-peak.ts';
import { entriesOf, NAME, promptOf } from './lists.ts';

export interface NodeFigures {
  /** Of each query alone. */
  readonly milliseconds: readonly number[];
  /** The products of a query's rows at the peak of the kernels' instruction: a lower bound. Null where they have none. */
  readonly peakMilliseconds: number | null;
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
const WARM_UP_QUERIES = 10;
/** Entries that are scored before those of the sample, and those of the sample by query. */
const WARM_UP = 12;
const SCORED_ENTRIES = 12;

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
  for (let i = 0; i < WARM_UP_QUERIES; i++) await search(1000 + i);
  const milliseconds: number[] = [];
  for (let i = 1; i <= queries; i++) milliseconds.push(await timed(() => search(i)));
  const together = await timed(() =>
    Promise.all(
      Array.from({ length: CONCURRENT }, async (_, lane) => {
        for (let i = 0; i < queries; i++) await search(100 + lane * queries + i);
      }),
    ),
  );
  const peakMilliseconds = await productsAtPeak(engine, promptOf(engine.vocabSize, 0).length, beams);
  const bruteMilliseconds = await scoreAll(engine, SCORED_ENTRIES * queries);
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
    peakMilliseconds,
    perSecond: (1000 * CONCURRENT * queries) / together,
    bruteMilliseconds,
    legalShare: legal / found,
    freeMilliseconds,
  };
}

/** The rows of a search: the prompt's, and those of the beams after each token of an entry but the last. */
async function productsAtPeak(engine: Engine, promptRows: number, beams: number): Promise<number | null> {
  const { dotProduct, manifest } = engine;
  if (dotProduct === null || dotProduct === 'plain') return null;
  const beamRows = (DEPTH - 1) * beams;
  const peak = await dotPeak(dotProduct);
  for (let i = 0; i < WARM_UP_QUERIES; i++) peak.run();
  const times: number[] = [];
  for (let i = 0; i < WARM_UP_QUERIES; i++) times.push(await timed(async () => peak.run()));
  const perProduct = Math.min(...times) / peak.multiplications;
  return perProduct * multiplications(manifest.config, promptRows + beamRows, 1 + beamRows);
}

/** The time for all entries, from that of a sample after one prompt. */
async function scoreAll(engine: Engine, sampled: number): Promise<number> {
  const paths = entriesOf(engine.vocabSize).map(({ tokens }) => ({ tokens, from: 0 }));
  const prompt = promptOf(engine.vocabSize, 0);
  const score = (some: typeof paths) =>
    scorePaths(engine, prompt, some, { nodes: prompt.length + BATCH_ROWS });
  await score(paths.slice(0, WARM_UP));
  const sample = await timed(() => score(paths.slice(WARM_UP, WARM_UP + sampled)));
  return (sample / sampled) * paths.length;
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}
