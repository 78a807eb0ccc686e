import { expect, it } from 'vitest';
import { buildTrie } from '../../../../model-assets/tokenizer/models/trie-builder.ts';
import { Ids } from '../../../../tokenizer/models/ids.ts';
import { Trie } from '../../../../tokenizer/models/trie.ts';
import { UnencodableTextError } from '../../../../tokenizer/models/unencodable-text.ts';
import { Unigram } from '../../../../tokenizer/models/unigram.ts';
import { mulberry32 } from '../../../support/plain-rows.ts';

type Pieces = readonly (readonly [token: string, score: number])[];

function unigram(pieces: Pieces, { unknown = 0 as number | null, byteFallback = false } = {}) {
  const encoder = new TextEncoder();
  const trie = new Trie(
    buildTrie(pieces.map(([token], id) => ({ bytes: encoder.encode(token), id }))),
    pieces.length,
  );
  const model = new Unigram(
    { unknown, byteFallback },
    trie,
    Float64Array.from(pieces, ([, score]) => score),
  );
  return (text: string): number[] => {
    const ids = new Ids();
    model.encode(text, ids);
    return [...ids.toArray()];
  };
}

it('finds the best of all ways to cut a text', () => {
  const random = mulberry32(17);
  const tokens = ['<unk>', 'a', 'b', 'ab', 'ba', 'aab', 'bb', 'abab', 'é', 'aé', 'éb'];
  const pieces: Pieces = tokens.map((token, id) => [token, id === 0 ? 0 : -1 - 4 * random()]);
  const encode = unigram(pieces);
  for (let i = 0; i < 300; i++) {
    const text = Array.from(
      { length: 1 + Math.floor(9 * random()) },
      () => 'abé'[Math.floor(3 * random())],
    ).join('');
    const ids = encode(text);
    expect(ids.map((id) => tokens[id]).join('')).toBe(text);
    expect(scoreOf(ids, pieces)).toBeCloseTo(bestScore(text, pieces), 10);
  }
});

it('joins unknown characters, and knows the unknown token by its name', () => {
  const encode = unigram([
    ['<unk>', 0],
    ['a', -1],
  ]);
  expect(encode('☃☃a☃')).toEqual([0, 1, 0]);
  expect(encode('☃<unk>☃a')).toEqual([0, 1]);
});

it('writes unknown characters as bytes only if each byte has a token', () => {
  const bytes = ['<0xC3>', '<0xA9>'].map((token) => [token, -9] as const);
  const encode = unigram([['<unk>', 0], ['a', -1], ...bytes], { byteFallback: true });
  expect(encode('aéa')).toEqual([1, 2, 3, 1]);
  expect(encode('aéèa')).toEqual([1, 0, 1]);
});

it('prefers the way whose last token begins first among equal ones', () => {
  expect(
    unigram([
      ['<unk>', 0],
      ['a', -1],
      ['aa', -2],
      ['aaa', -3],
    ])('aaa'),
  ).toEqual([3]);
});

it('throws for unknown characters without an unknown token', () => {
  const encode = unigram([['a', -1]], { unknown: null });
  expect(encode('aaa')).toEqual([0, 0, 0]);
  expect(() => encode('ab')).toThrow(UnencodableTextError);
});

it('encodes a piece of a million characters', () => {
  const encode = unigram([
    ['<unk>', 0],
    ['a', -1],
    ['aaaa', -1.5],
  ]);
  expect(encode('a'.repeat(1_000_001)).length).toBe(250_001);
});

function scoreOf(ids: readonly number[], pieces: Pieces): number {
  return ids.reduce((sum, id) => sum + (pieces[id]?.[1] ?? 0), 0);
}

/** By trying each first token, and remembering the best rest. */
function bestScore(text: string, pieces: Pieces, known = new Map<string, number>()): number {
  if (text === '') return 0;
  const memo = known.get(text);
  if (memo !== undefined) return memo;
  const scores = pieces
    .filter(([token]) => text.startsWith(token))
    .map(([token, score]) => score + bestScore(text.slice(token.length), pieces, known));
  const best = Math.max(...scores);
  known.set(text, best);
  return best;
}
