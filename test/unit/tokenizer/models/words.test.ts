import { expect, it } from 'vitest';
import { buildTrie } from '../../../../model-assets/tokenizer/models/trie-builder.ts';
import { Ids } from '../../../../tokenizer/models/ids.ts';
import type { TokenizerModel } from '../../../../tokenizer/models/model.ts';
import { Trie } from '../../../../tokenizer/models/trie.ts';
import { UnencodableTextError } from '../../../../tokenizer/models/unencodable-text.ts';
import { WordLevel } from '../../../../tokenizer/models/word-level.ts';
import { WordPiece } from '../../../../tokenizer/models/word-piece.ts';

const TOKENS = ['[UNK]', 'un', '##aff', '##able', 'u', '##n', '##a', '##ffable', '世', '##世', '##'];
const encoder = new TextEncoder();
const trie = new Trie(
  buildTrie(TOKENS.map((token, id) => ({ bytes: encoder.encode(token), id }))),
  TOKENS.length,
);

function tokens(model: TokenizerModel, piece: string): string[] {
  const ids = new Ids();
  model.encode(piece, ids);
  return Array.from(ids.toArray(), (id) => TOKENS[id] ?? '');
}

function wordPiece(options: Partial<ConstructorParameters<typeof WordPiece>[0]> = {}) {
  const model = new WordPiece(
    { unknown: 0, continuingSubwordPrefix: '##', maxInputCharsPerWord: 100, ...options },
    trie,
  );
  return (word: string) => tokens(model, word);
}

it('takes the longest token at the beginning, then the longest that continues', () => {
  const encode = wordPiece();
  expect(encode('unaffable')).toEqual(['un', '##aff', '##able']);
  expect(encode('unaaff')).toEqual(['un', '##a', '##aff']);
  expect(encode('世世un')).toEqual(['[UNK]']);
  expect(encode('世世')).toEqual(['世', '##世']);
  // Not the longest first token but this one would have led to the end.
  expect(encode('unffable')).toEqual(['un', '##ffable']);
});

it('knows all of a word or nothing of it', () => {
  expect(wordPiece()('unaffabl')).toEqual(['[UNK]']);
  expect(wordPiece()('x')).toEqual(['[UNK]']);
});

it('counts characters, not bytes, against the limit', () => {
  expect(wordPiece({ maxInputCharsPerWord: 4 })('世世世世')).toEqual(['世', '##世', '##世', '##世']);
  expect(wordPiece({ maxInputCharsPerWord: 3 })('世世世世')).toEqual(['[UNK]']);
});

it('has no tokens that continue a word if none begins with the prefix', () => {
  expect(wordPiece({ continuingSubwordPrefix: '@@' })('unu')).toEqual(['[UNK]']);
});

it('throws for an unknown word without an unknown token', () => {
  expect(() => wordPiece({ unknown: null })('xyz')).toThrow(new UnencodableTextError('xyz'));
  expect(() => tokens(new WordLevel({ unknown: null }, trie), 'xyz')).toThrow(
    new UnencodableTextError('xyz'),
  );
});

it('takes whole pieces only as WordLevel', () => {
  const model = new WordLevel({ unknown: 0 }, trie);
  expect(['un', 'unaffable', '世'].map((piece) => tokens(model, piece))).toEqual([['un'], ['[UNK]'], ['世']]);
});

it('names the beginning of a long text that has no token', () => {
  expect(new UnencodableTextError('😀'.repeat(1000)).message).toBe(
    `the vocabulary has no token for "${'😀'.repeat(12)}", and none for unknown text`,
  );
});
