import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildCatalogue } from '../../../../decoding/catalogue/build.ts';
import { Catalogue, type Trie } from '../../../../decoding/catalogue/trie.ts';
import { TypedTrie } from '../../../../decoding/catalogue/typed.ts';
import { decode, decodeAll } from '../../../../decoding/decode.ts';
import { requiredNodes } from '../../../../decoding/options/capacity.ts';
import { type DecodingOptions, resolveOptions } from '../../../../decoding/options/options.ts';
import { wasmPath } from '../../../../engine/kernels/build.ts';
import { type BruteEntry, beamSearch, scoreAll } from '../../../support/brute-catalogue.ts';
import { RowMemory } from '../../../support/lending-model.ts';
import { LookupModel } from '../../../support/lookup-model.ts';

const VOCABULARY = 12;
const PROMPT = [3, 1];

const lists = fc.uniqueArray(
  fc.record({
    tokens: fc.array(fc.nat(VOCABULARY - 1), { minLength: 1, maxLength: 5 }),
    weight: fc.integer({ min: -3, max: 3 }),
  }),
  { minLength: 1, maxLength: 60, selector: ({ tokens }) => tokens.join() },
);

const catalogueOf = (entries: readonly BruteEntry[]) =>
  Catalogue.read(buildCatalogue(entries, { vocabSize: VOCABULARY, tokenizer: '0'.repeat(64) }).bytes);

let memory: RowMemory;
beforeAll(async () => {
  memory = new RowMemory(await WebAssembly.compile(await readFile(wasmPath('logits'))), VOCABULARY);
});

describe.each([{ lends: true }, { lends: false }])('with logits that are lent: $lends', ({ lends }) => {
  const modelOf = (seed: number) =>
    new LookupModel({
      seed,
      vocabSize: VOCABULARY,
      ...(lends && { lend: (logits) => memory.lend(logits) }),
    });

  async function search(seed: number, trie: Trie, options: DecodingOptions) {
    const model = modelOf(seed);
    const all = { catalogue: 'list', max_new_tokens: 5, ...options };
    const { sequences } = await decodeAll(model, PROMPT, all, { catalogue: trie });
    expect(model.counts).toMatchObject({ openTrees: 0, nodes: 0 });
    const resolved = resolveOptions(all).options;
    expect(model.counts.maxNodes).toBeLessThanOrEqual(requiredNodes(PROMPT.length, resolved, trie));
    for (const { score, token_logprobs } of sequences) {
      if (resolved.catalogue_weight > 0) continue;
      expect(score).toBe(token_logprobs.reduce((sum, logprob) => sum + logprob, 0));
    }
    return sequences;
  }

  const bruteOf = (seed: number, entries: readonly BruteEntry[], factor: number) => {
    const model = modelOf(seed);
    return {
      entries,
      prompt: PROMPT,
      logitsAfter: (path: readonly number[]) => model.logitsAfter(path),
      factor,
    };
  };

  it('ranks as scoring every entry does, with as many beams as entries', async () => {
    await fc.assert(
      fc.asyncProperty(lists, fc.nat(1000), fc.constantFrom(0, 0.5, 3), async (entries, seed, factor) => {
        const catalogue = catalogueOf(entries);
        const options = { num_beams: 60, num_return_sequences: 60, catalogue_weight: factor };
        const found = await search(seed, catalogue, options);
        const expected = scoreAll(bruteOf(seed, entries, factor));
        expect(found.map(({ tokens, score }) => ({ tokens, score }))).toEqual(expected);
        for (const { catalogue_entry, tokens } of found) {
          const place = catalogue.idOf(catalogue_entry ?? -1) as number;
          expect(entries[place]?.tokens).toEqual(tokens);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('finds what a beam search over the list finds, with fewer', async () => {
    await fc.assert(
      fc.asyncProperty(
        lists,
        fc.nat(1000),
        fc.constantFrom(0, 0.5, 3),
        fc.integer({ min: 1, max: 6 }),
        fc.nat(5),
        async (entries, seed, factor, num_beams, fewer) => {
          const count = Math.max(1, num_beams - fewer);
          const options = { num_beams, num_return_sequences: count, catalogue_weight: factor };
          const found = await search(seed, catalogueOf(entries), options);
          const expected = beamSearch(bruteOf(seed, entries, factor), num_beams, count);
          expect(found.map(({ tokens, score }) => ({ tokens, score }))).toEqual(expected);
          expect(found).toHaveLength(Math.min(count, entries.length));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('finds the entries that begin with what was typed', async () => {
    // Tokens of one and of two letters.
    const letters = ['a', 'b', 'c', 'aa', 'ab', 'ac', 'ba', 'bb', 'bc', 'ca', 'cb', 'cc'];
    const bytes = letters.map((text) => new TextEncoder().encode(text));
    const textOf = (tokens: readonly number[]) => tokens.map((token) => letters[token]).join('');
    await fc.assert(
      fc.asyncProperty(
        lists,
        fc.nat(1000),
        fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 4 }),
        async (entries, seed, typed, num_beams) => {
          const trie = new TypedTrie(
            catalogueOf(entries),
            new TextEncoder().encode(typed),
            (token) => bytes[token] as Uint8Array,
          );
          const left = entries.filter(({ tokens }) => textOf(tokens).startsWith(typed));
          for (const factor of [0, 1]) {
            const options = { num_beams, num_return_sequences: num_beams, catalogue_weight: factor };
            const found = await search(seed, trie, options);
            const expected =
              left.length === 0 ? [] : beamSearch(bruteOf(seed, left, factor), num_beams, num_beams);
            expect(found.map(({ tokens, score }) => ({ tokens, score }))).toEqual(expected);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the events', () => {
  it('are the beams of each step, and the best entry at the end', async () => {
    const entries = [{ tokens: [1, 2] }, { tokens: [1] }, { tokens: [4, 5, 6] }];
    const events = [];
    const model = new LookupModel({ vocabSize: VOCABULARY });
    const options = { catalogue: 'list', num_beams: 3, num_return_sequences: 3, logprobs: 0 };
    const decoding = decode(model, PROMPT, options, { catalogue: catalogueOf(entries) });
    let result = await decoding.next();
    for (; !result.done; result = await decoding.next()) events.push(result.value);
    const [best] = result.value.sequences;
    const tokens = events.flatMap((event) => (event.type === 'token' ? [event] : []));
    expect(tokens.map(({ token }) => token)).toEqual(best?.tokens);
    expect(tokens.map(({ model }) => model?.logprob)).toEqual(best?.token_logprobs);
    expect(events.at(-1)).toEqual({ type: 'finished', sequence: 0, reason: 'stop' });
    const steps = events.flatMap((event) => (event.type === 'beams' ? [event.beams] : []));
    expect(steps[0]?.map(({ finished, allowed }) => [finished, allowed])).toEqual([
      [null, 2],
      [null, 2],
      ['stop', 2],
    ]);
    expect(steps).toHaveLength(3);
  });
});

describe('options', () => {
  const catalogue = catalogueOf([{ tokens: [1, 2, 3] }]);
  const model = new LookupModel({ vocabSize: VOCABULARY });

  it.each([
    [{ max_new_tokens: 2 }, 'max_new_tokens'],
    [{ catalogue: undefined }, 'catalogue'],
    [{ logprobs: 2 }, 'logprobs'],
  ])('refuses %j', (options, name) => {
    expect(() => decode(model, PROMPT, { catalogue: 'list', ...options }, { catalogue })).toThrow(
      expect.objectContaining({ name: 'DecodingOptionsError', option: name }),
    );
  });

  it('warns of what a catalogue does not use', () => {
    const { warnings } = resolveOptions({ catalogue: 'list', top_k: 3, repetition_penalty: 2, stop: [] });
    expect(warnings.map((text) => text.split("'")[1])).toEqual(['repetition_penalty', 'top_k']);
    expect(resolveOptions({ catalogue_weight: 1 }).warnings).toHaveLength(1);
  });
});
