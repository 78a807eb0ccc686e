import { expect, it } from 'vitest';
import { buildTrie } from '../../../../model-assets/tokenizer/models/trie-builder.ts';
import type { BpeOptions } from '../../../../tokenizer/format/model-options.ts';
import { Bpe } from '../../../../tokenizer/models/bpe.ts';
import { Ids } from '../../../../tokenizer/models/ids.ts';
import { Merges } from '../../../../tokenizer/models/merges.ts';
import { Trie } from '../../../../tokenizer/models/trie.ts';
import { UnencodableTextError } from '../../../../tokenizer/models/unencodable-text.ts';

const DEFAULTS: BpeOptions = {
  unknown: null,
  omitsUnknown: true,
  fuseUnknown: false,
  byteFallback: false,
  ignoreMerges: false,
  continuingSubwordPrefix: '',
  endOfWordSuffix: '',
};

/** @returns the tokens of a text */
function bpe(
  tokens: readonly string[],
  merges: readonly (readonly string[])[],
  options: Partial<BpeOptions>,
) {
  const encoder = new TextEncoder();
  const trie = new Trie(
    buildTrie(tokens.map((token, id) => ({ bytes: encoder.encode(token), id }))),
    tokens.length,
  );
  const table = Uint32Array.from(merges.flat(), (token) => tokens.indexOf(token));
  const model = new Bpe({ ...DEFAULTS, ...options }, trie, new Merges(table, tokens.length));
  return (text: string): string[] => {
    const ids = new Ids();
    model.encode(text, ids);
    return Array.from(ids.toArray(), (id) => tokens[id] ?? '');
  };
}

const BYTES = ['<0xC3>', '<0xA9>'];

it('merges characters, lowest rank first', () => {
  const encode = bpe(
    ['a', 'b', 'ab', 'abb', 'ba'],
    [
      ['b', 'a', 'ba'],
      ['a', 'b', 'ab'],
      ['ab', 'b', 'abb'],
    ],
    {},
  );
  expect(encode('abba')).toEqual(['ab', 'ba']);
  expect(encode('abb')).toEqual(['abb']);
});

it('leaves unknown characters out, or writes one token for each, or for all', () => {
  const tokens = ['<unk>', 'a'];
  expect(bpe(tokens, [], {})('☃☃a☃')).toEqual(['a']);
  expect(bpe(tokens, [], { unknown: 0 })('☃☃a☃')).toEqual(['<unk>', '<unk>', 'a', '<unk>']);
  expect(bpe(tokens, [], { unknown: 0, fuseUnknown: true })('☃☃a☃')).toEqual(['<unk>', 'a', '<unk>']);
});

it('throws where the unknown token that it names is missing', () => {
  const encode = bpe(['a'], [], { omitsUnknown: false });
  expect(encode('aa')).toEqual(['a', 'a']);
  expect(() => encode('a☃')).toThrow(new UnencodableTextError('☃'));
});

it('writes a character as its bytes if each of them has a token', () => {
  const encode = bpe(['<unk>', 'a', ...BYTES], [], { unknown: 0, byteFallback: true });
  expect(encode('aéa')).toEqual(['a', ...BYTES, 'a']);
  expect(encode('aèa')).toEqual(['a', '<unk>', 'a']);
  // The unknown character waits for the next known one: so does the reference.
  expect(encode('èéa')).toEqual([...BYTES, '<unk>', 'a']);
});

it('merges bytes and characters alike', () => {
  const [first = '', second = ''] = BYTES;
  const encode = bpe(['a', ...BYTES, 'é!'], [[first, second, 'é!']], { byteFallback: true });
  expect(encode('aé')).toEqual(['a', 'é!']);
});

it('looks for characters with what the vocabulary has before and behind them', () => {
  const tokens = ['a', '##b', '##b</w>', 'a</w>', 'a##b'];
  const encode = bpe(tokens, [], { continuingSubwordPrefix: '##', endOfWordSuffix: '</w>' });
  expect(encode('ab')).toEqual(['a', '##b</w>']);
  expect(encode('abb')).toEqual(['a', '##b', '##b</w>']);
  expect(encode('a')).toEqual(['a</w>']);
});

it('takes a piece that is a token without merges, if told to', () => {
  const tokens = ['a', 'b', 'ab'];
  expect(bpe(tokens, [], {})('ab')).toEqual(['a', 'b']);
  expect(bpe(tokens, [], { ignoreMerges: true })('ab')).toEqual(['ab']);
});

it('has room for all bytes of a long piece', () => {
  const every = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  );
  const encode = bpe(every, [], {
    byteFallback: true,
    continuingSubwordPrefix: '##',
    endOfWordSuffix: '</w>',
  });
  // Three bytes, two of the prefix before each but the first, and four of the suffix.
  expect(encode('世'.repeat(3000)).length).toBe(3 * 3000 + 2 * 2999 + 4);
});
