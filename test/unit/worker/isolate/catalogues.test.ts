/** @module What loaded catalogues count against V8's own figures. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { buildCatalogue } from '../../../../decoding/catalogue/build.ts';
import { Catalogue } from '../../../../decoding/catalogue/trie.ts';
import type { AdmissionQueue } from '../../../../engine/batching/admission.ts';
import { MemoryBudget } from '../../../../engine/batching/memory-budget.ts';
import type { ModelSource } from '../../../../engine/model/model-source.ts';
import { nodePlatform } from '../../../../engine/node/load-engine.ts';
import { Catalogues } from '../../../../worker/isolate/catalogues.ts';
import { Draw } from '../../../support/draw.ts';
import { liveBytes } from '../../../support/measured-memory.ts';

const VOCABULARY = 500;
const TOKENIZER = '0123456789abcdef'.repeat(4);
const COUNT = 100;

/** Serves the bytes of each path. */
const sourceOf = (files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): ModelSource => ({
  async open(path) {
    const { body } = new Response(files.get(path));
    if (!body) throw new Error(`${path} is not there`);
    return body;
  },
});

function small(number: number) {
  const draw = new Draw(number);
  const entries = Array.from({ length: draw.integer(1, 40) }, (_, i) => ({
    tokens: Array.from({ length: draw.integer(1, 5) }, () => draw.integer(0, VOCABULARY - 1)),
    ...(number % 2 === 0 && { id: `entry ${i}`, weight: i }),
  }));
  const built = buildCatalogue(entries, { vocabSize: VOCABULARY, tokenizer: TOKENIZER });
  const file = {
    path: `${number}.trie`,
    bytes: built.bytes.length,
    sha256: createHash('sha256').update(built.bytes).digest('hex'),
    memory: Catalogue.read(built.bytes).bytes,
    entries: built.entries,
    depth: built.depth,
    prefix: '',
    weights: number % 2 === 0,
    tokenizer: TOKENIZER,
  };
  return { name: `list-${number}`, file, bytes: built.bytes };
}

it('counts at least what small catalogues hold, and not much more', async () => {
  const lists = Array.from({ length: COUNT }, (_, i) => small(i));
  const manifest = {
    version: 1,
    catalogues: Object.fromEntries(lists.map(({ name, file }) => [name, file])),
  };
  const source = sourceOf(
    new Map([
      ['catalogues/manifest.json', new TextEncoder().encode(JSON.stringify(manifest))],
      ...lists.map(({ file, bytes }) => [`catalogues/${file.path}`, bytes] as const),
    ]),
  );
  const openAll = async () => {
    const catalogues = new Catalogues({
      manifest: { tokenizer: { sha256: TOKENIZER }, config: { vocab_size: VOCABULARY } },
      memory: new MemoryBudget(10_000_000),
      admission: { admit: async (open: () => unknown) => ({ value: open() }) } as unknown as AdmissionQueue,
    });
    const limits = { length: 1, milliseconds: 1 };
    const { signal } = new AbortController();
    for (const { name } of lists)
      await catalogues.open(name, { source, sha256: nodePlatform.sha256, limits, signal });
    return catalogues;
  };
  // Code that has not run would count. These stay, so that no garbage is freed meanwhile.
  const others = await openAll();
  const before = liveBytes();
  const catalogues = await openAll();
  const real = liveBytes() - before;
  expect(others.bytes).toBe(catalogues.bytes);
  expect(catalogues.bytes).toBeGreaterThan(real);
  expect(catalogues.bytes).toBeLessThan(2 * real);
});
