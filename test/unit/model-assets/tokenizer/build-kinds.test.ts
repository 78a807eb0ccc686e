/** @module Faulty files of tokenizers that are not byte-level. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import { folderMetadata } from '../../../../model-assets/checkpoint/interface/metadata.ts';
import { buildTokenizer } from '../../../../model-assets/tokenizer/build-tokenizer.ts';
import { UnencodableTextError } from '../../../../tokenizer/models/unencodable-text.ts';
import { Tokenizer } from '../../../../tokenizer/tokenizer.ts';
import { build, type Files } from '../../../golden/tokenizer-files.ts';
import { kindsGolden, sentencePieceFile } from '../../../golden/tokenizer-kinds.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';
import { mulberry32 } from '../../../support/plain-rows.ts';

const config = (tokenizer_class: string, more: object = {}) => ({
  'config.json': { model_type: 'gpt2' },
  'tokenizer_config.json': { tokenizer_class, ...more },
});
const json = (model: object, more: object = {}) => ({ added_tokens: [], model, ...more });
const unigram = {
  type: 'Unigram',
  unk_id: 0,
  vocab: [
    ['<unk>', 0],
    ['a', -1],
    ['b', -2],
  ],
};

it.each<[string, Files, string]>([
  [
    'BERT without a vocabulary',
    config('BertTokenizer'),
    'vocab.txt: not found: BertTokenizer needs it, or tokenizer.json',
  ],
  [
    'T5 without a vocabulary',
    config('T5Tokenizer'),
    'spiece.model: not found, and there is no tokenizer.json',
  ],
  [
    'a class that is not known, without files',
    config('MyTokenizer'),
    'needs tokenizer.json or tokenizer.model',
  ],
  [
    'BERT with another model',
    { ...config('BertTokenizer'), 'tokenizer.json': json(unigram) },
    'model.type is "Unigram", but BertTokenizer, the tokenizer\'s class, reads WordPiece only',
  ],
  [
    'T5 with another model',
    { ...config('T5Tokenizer'), 'tokenizer.json': json({ type: 'WordLevel', vocab: { a: 0 } }) },
    'model.type is "WordLevel", but T5Tokenizer, the tokenizer\'s class, reads Unigram only',
  ],
  [
    'a billion sentinels',
    { ...config('T5Tokenizer', { extra_ids: 1e9 }), 'tokenizer.json': json(unigram) },
    'tokenizer_config.json: extra_ids is 1000000000, more than 65536',
  ],
  [
    'an unknown token beyond the vocabulary',
    { ...config('TokenizersBackend'), 'tokenizer.json': json({ ...unigram, unk_id: 3 }) },
    'model.unk_id: is 3, but the vocabulary has 3 tokens',
  ],
  [
    'a piece without a score',
    { ...config('TokenizersBackend'), 'tokenizer.json': json({ ...unigram, vocab: [['a', 0], ['b']] }) },
    'model.vocab.1: expected a token and its score, found ["b"]',
  ],
  [
    'a merge of tokens that there are not',
    {
      ...config('TokenizersBackend'),
      'tokenizer.json': json({ type: 'BPE', vocab: { a: 0 }, merges: ['a b'] }),
    },
    '"b" of the merge "a b" is not in tokenizer.json',
  ],
  [
    'BPE with dropout',
    {
      ...config('TokenizersBackend'),
      'tokenizer.json': json({ type: 'BPE', dropout: 0.1, vocab: { a: 0 }, merges: [] }),
    },
    'dropout',
  ],
  [
    'a damaged map of characters',
    {
      ...config('TokenizersBackend'),
      'tokenizer.json': json(unigram, {
        normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAEAAAAA' },
      }),
    },
    'normalizer: has a map of 6 bytes, with a trie of 256 bytes: it is damaged',
  ],
  ['MeCab', config('BertJapaneseTokenizer'), 'tokenizer_class "BertJapaneseTokenizer" is not supported'],
])('refuses %s', async (_, files, message) => {
  await expect(build(files)).rejects.toThrow(message);
  await expect(build(files)).rejects.toThrow(CheckpointError);
});

it('has tokens with the names of members of objects', async () => {
  const words = ['[UNK]', '__proto__', 'constructor', 'hasOwnProperty', '##x'];
  const { bytes } = await build({
    ...config('BertTokenizer', { do_lower_case: false }),
    'vocab.txt': words.join('\n'),
  });
  const ids = Tokenizer.read(bytes).encode('constructor hasOwnPropertyx', { addSpecialTokens: false });
  expect([...ids]).toEqual([2, 3, 4]);
});

it('refuses or reads a damaged model of SentencePiece, and its tokenizer answers any text', async () => {
  const random = mulberry32(41);
  const texts = kindsGolden.texts.slice(0, 60);
  await using dir = await temporaryFolder();
  for (const [model, file, tokenizerClass] of [
    ['unigram-few', 'spiece.model', 'T5Tokenizer'],
    ['bpe-bytes', 'tokenizer.model', 'LlamaTokenizer'],
  ] as const) {
    const bytes = await sentencePieceFile(model);
    await writeFile(
      join(dir.path, 'tokenizer_config.json'),
      JSON.stringify({ tokenizer_class: tokenizerClass }),
    );
    for (let i = 0; i < 60; i++) {
      const changed = i % 3 === 0 ? bytes.slice(0, Math.floor(random() * bytes.length)) : bytes.slice();
      for (let n = 0; n < 4; n++) changed[Math.floor(random() * changed.length)] = Math.floor(256 * random());
      await writeFile(join(dir.path, file), changed);
      await expectAnswers(dir.path, texts);
    }
  }
});

async function expectAnswers(dir: string, texts: readonly string[]): Promise<void> {
  try {
    const tokenizer = Tokenizer.read((await buildTokenizer(folderMetadata(dir))).bytes);
    for (const text of texts) tokenizer.decode(tokenizer.encode(text));
  } catch (error) {
    if (!(error instanceof UnencodableTextError)) expect(error).toBeInstanceOf(CheckpointError);
  }
}
