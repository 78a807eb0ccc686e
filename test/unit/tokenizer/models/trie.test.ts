import { expect, it } from 'vitest';
import { buildTrie } from '../../../../model-assets/tokenizer/models/trie-builder.ts';
import { NO_TOKEN, NOWHERE, Trie } from '../../../../tokenizer/models/trie.ts';
import { mulberry32 } from '../../../support/plain-rows.ts';

const encoder = new TextEncoder();

function trieOf(tokens: readonly string[]) {
  const units = buildTrie(tokens.map((token, id) => ({ bytes: encoder.encode(token), id })));
  const trie = new Trie(units, tokens.length);
  return (text: string) => {
    const bytes = encoder.encode(`.${text}.`);
    return trie.find(bytes, 1, bytes.length - 1);
  };
}

it('finds each of many tokens, and nothing else', () => {
  const random = mulberry32(5);
  const text = () =>
    Array.from({ length: 1 + Math.floor(5 * random()) }, () => {
      const [first, count] = random() < 0.5 ? [0x3041, 80] : random() < 0.5 ? [0x61, 20] : [0x4e00, 600];
      return String.fromCodePoint(first + Math.floor(count * random()));
    }).join('');
  const tokens = [...new Set(Array.from({ length: 5000 }, text))];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const find = trieOf(tokens);
  expect(tokens.map(find)).toEqual([...tokens.keys()]);
  for (let i = 0; i < 5000; i++) {
    const other = text();
    expect([other, find(other)]).toEqual([other, ids.get(other) ?? NO_TOKEN]);
  }
});

it('finds the last of equal tokens, and none without bytes', () => {
  const find = trieOf(['a', 'b', 'a', '']);
  expect(['a', 'b', ''].map(find)).toEqual([2, 1, NO_TOKEN]);
});

it('finds tokens with U+0000', () => {
  const find = trieOf(['\0', 'a\0', 'a', '\0\0b']);
  expect(['\0', 'a\0', 'a', '\0\0b', '\0\0', 'a\0b'].map(find)).toEqual([0, 1, 2, 3, NO_TOKEN, NO_TOKEN]);
});

it('is empty without tokens', () => {
  expect(trieOf([])('a')).toBe(NO_TOKEN);
});

it('has a place after the beginning of a token', () => {
  const units = buildTrie([{ bytes: encoder.encode('##a'), id: 0 }]);
  const trie = new Trie(units, 1);
  const node = trie.step(trie.placeAfter(encoder.encode('##')), 0x61);
  expect(trie.tokenAt(node)).toBe(0);
  expect(trie.placeAfter(encoder.encode('#b'))).toBe(NOWHERE);
  expect(trie.placeAfter(encoder.encode('##ab'))).toBe(NOWHERE);
});

it('has a token of 100,000 bytes', () => {
  const long = 'ab'.repeat(50_000);
  const find = trieOf([long, 'ab']);
  expect([find(long), find('ab'), find(`${long}a`)]).toEqual([0, 1, NO_TOKEN]);
});

it('rejects ids beyond the vocabulary', () => {
  const units = buildTrie([{ bytes: encoder.encode('a'), id: 7 }]);
  expect(() => new Trie(units, 7)).toThrow('contains token id 7; its vocabulary has 7 tokens');
  expect(() => new Trie(new Uint32Array(0), 1)).toThrow('has a trie without a root');
});
