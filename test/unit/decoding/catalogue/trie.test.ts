import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildCatalogue, type ListedEntry } from '../../../../decoding/catalogue/build.ts';
import { CatalogueError } from '../../../../decoding/catalogue/errors.ts';
import { Catalogue, type Children, childAt, ROOT, type Trie } from '../../../../decoding/catalogue/trie.ts';
import { TypedTrie } from '../../../../decoding/catalogue/typed.ts';
import { seededRandom } from '../../../../decoding/math/random.ts';

const TOKENIZER = '0123456789abcdef'.repeat(4);

const entry = (vocabSize: number) =>
  fc.record({
    tokens: fc.array(fc.nat(vocabSize - 1), { minLength: 1, maxLength: 6 }),
    weight: fc.integer({ min: -9, max: 9 }),
  });
/** Small vocabularies share beginnings, large ones have tokens of four bytes. */
const lists = fc
  .constantFrom(2, 5, 300, 100_000)
  .chain((vocabSize) =>
    fc.tuple(fc.constant(vocabSize), fc.array(entry(vocabSize), { minLength: 1, maxLength: 80 })),
  );

const catalogueOf = (list: readonly ListedEntry[], vocabSize: number) =>
  Catalogue.read(buildCatalogue(list, { vocabSize, tokenizer: TOKENIZER }).bytes);

/** The first entry with each sequence of tokens, with its place. */
function firstOfEach(list: readonly ListedEntry[]) {
  const found = new Map<string, { readonly place: number; readonly entry: ListedEntry }>();
  for (const [place, listed] of list.entries()) {
    const key = Array.from(listed.tokens).join();
    if (!found.has(key)) found.set(key, { place, entry: listed });
  }
  return found;
}

function entriesBelow(trie: Trie, node = ROOT, tokens: readonly number[] = []): string[] {
  const own = trie.entryAt(node) >= 0 ? [tokens.join()] : [];
  if (!trie.isInner(node)) return own;
  const children: Children = trie.childrenOf(node);
  const below = Array.from(children.tokens, (token, i) =>
    entriesBelow(trie, childAt(children, i), [...tokens, token]),
  );
  return [...own, ...below.flat()];
}

describe('a catalogue', () => {
  it('has every entry once, with its place in the list and its weight', () => {
    fc.assert(
      fc.property(lists, ([vocabSize, list]) => {
        const catalogue = catalogueOf(list, vocabSize);
        const expected = firstOfEach(list);
        const found = new Map(Array.from(catalogue.entries(), ({ entry, tokens }) => [tokens.join(), entry]));
        expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
        for (const [key, { place, entry }] of expected) {
          const number = found.get(key) as number;
          expect(catalogue.idOf(number)).toBe(place);
          expect(catalogue.weightOf(number)).toBe(entry.weight);
        }
        expect(catalogue.size).toBe(expected.size);
        expect(catalogue.depth).toBe(Math.max(...list.map(({ tokens }) => tokens.length)));
        expect(catalogue.tokenizer).toBe(TOKENIZER);
        expect(catalogue.levels.reduce((sum, { nodes }) => sum + nodes, 0)).toBe(catalogue.nodes + 1);
      }),
    );
  });

  it('has children in the order of their tokens, and knows the best weight below each node', () => {
    fc.assert(
      fc.property(lists, ([vocabSize, list]) => {
        const catalogue = catalogueOf(list, vocabSize);
        const bestBelow = (node: number): number => {
          if (!catalogue.isInner(node)) return Number.NEGATIVE_INFINITY;
          const children = catalogue.childrenOf(node);
          const tokens = Array.from(children.tokens);
          expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
          const weights = tokens.flatMap((_, i) => {
            const child = childAt(children, i);
            const entry = catalogue.entryAt(child);
            return [bestBelow(child), ...(entry < 0 ? [] : [catalogue.weightOf(entry)])];
          });
          const largest = Math.max(...weights);
          if (catalogue.hasWeights) expect(catalogue.bestWeightBelow(node)).toBe(largest);
          return largest;
        };
        bestBelow(ROOT);
      }),
    );
  });

  it('keeps the ids of the list', () => {
    const list = [
      { tokens: [3, 1], id: 'b' },
      { tokens: [3], id: 'ä' },
      { tokens: [3, 1], id: 'again' },
    ];
    const catalogue = catalogueOf(list, 8);
    const ids = Array.from(catalogue.entries(), ({ entry, tokens }) => [tokens, catalogue.idOf(entry)]);
    expect(ids).toEqual([
      [[3], 'ä'],
      [[3, 1], 'b'],
    ]);
  });

  it('takes less than 3 MB for 100,000 entries of five tokens, or as much for each', () => {
    const random = seededRandom(7);
    // Few tokens begin an entry, and more follow.
    const token = () => Math.floor(50_257 * random() ** 3);
    const list = Array.from({ length: 20_000 }, () => ({ tokens: Array.from({ length: 5 }, token) }));
    const { bytes } = buildCatalogue(list, { vocabSize: 50_257, tokenizer: TOKENIZER });
    const catalogue = Catalogue.read(bytes);
    expect(catalogue.size).toBeGreaterThan(19_900);
    // With fewer entries they share less.
    expect(bytes.length).toBeLessThan((20_000 / 100_000) * 1.9e6);
    expect(catalogue.bytes).toBeLessThan((20_000 / 100_000) * 2.1e6);
  });

  it('is refused, or can be walked, whatever byte of its file is changed', () => {
    const list = Array.from({ length: 30 }, (_, i) => ({
      tokens: [i % 3, i % 7, i],
      id: String(i),
      weight: i,
    }));
    const { bytes } = buildCatalogue(list, { vocabSize: 40, tokenizer: TOKENIZER });
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (place, bit) => {
        const changed = bytes.slice();
        changed[place] = (changed[place] as number) ^ (1 << bit);
        try {
          const catalogue = Catalogue.read(changed);
          for (const { entry, tokens } of catalogue.entries()) {
            expect(Math.max(...tokens)).toBeLessThan(catalogue.vocabSize);
            catalogue.idOf(entry);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(CatalogueError);
        }
      }),
      { numRuns: 600 },
    );
    for (let length = 0; length < bytes.length; length += 13) {
      expect(() => Catalogue.read(bytes.slice(0, length))).toThrow(CatalogueError);
    }
  });
});

describe('what was typed', () => {
  it('leaves the entries that begin with it, however their bytes are cut into tokens', () => {
    const texts = ['a', 'b', 'ab', 'ba', 'aab', 'bb'].map((text) => new TextEncoder().encode(text));
    const bytesOf = (token: number) => texts[token] as Uint8Array;
    const textOf = (tokens: ArrayLike<number>) =>
      Array.from(tokens, (token) => new TextDecoder().decode(bytesOf(token))).join('');
    fc.assert(
      fc.property(
        fc.array(entry(texts.length), { minLength: 1, maxLength: 60 }),
        fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 6 }),
        (list, typed) => {
          const catalogue = catalogueOf(list, texts.length);
          const trie = new TypedTrie(catalogue, new TextEncoder().encode(typed), bytesOf);
          const expected = [...firstOfEach(list).values()].filter(({ entry: { tokens } }) =>
            textOf(tokens).startsWith(typed),
          );
          expect(trie.isEmpty).toBe(expected.length === 0);
          if (trie.isEmpty) return;
          expect(entriesBelow(trie).sort()).toEqual(
            expected.map(({ entry: { tokens } }) => Array.from(tokens).join()).sort(),
          );
          if (!catalogue.hasWeights) return;
          expect(trie.bestWeightBelow(ROOT)).toBe(
            Math.max(...expected.map(({ entry: { weight } }) => weight ?? 0)),
          );
        },
      ),
    );
  });
});
