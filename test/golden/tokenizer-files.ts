/** @module A vocabulary of 260 tokens in both of Hugging Face's forms, for tests to change and convert. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildTokenizer } from '../../model-assets/tokenizer/build-tokenizer.ts';
import { byteSymbols } from '../../tokenizer/unicode/symbols.ts';
import { folderMetadata } from '../../model-assets/checkpoint/interface/metadata.ts';

/** By file name: text, or a value to be written as JSON. */
export type Files = Record<string, unknown>;

/** Runs `buildTokenizer` on a folder with only these files. */
export async function build(files: Files) {
  const dir = await mkdtemp(join(tmpdir(), 'edgebeam-tokenizer-'));
  try {
    for (const [name, value] of Object.entries(files)) {
      await writeFile(join(dir, name), typeof value === 'string' ? value : JSON.stringify(value));
    }
    return await buildTokenizer(folderMetadata(dir));
  } finally {
    await rm(dir, { recursive: true });
  }
}

export const idsOf = (tokens: string[]) => Object.fromEntries(tokens.map((token, id) => [token, id]));

/** 256 is `ab`, 257 `bc`, 258 `Ġa`, 259 the end of text. */
export const VOCAB = idsOf([...byteSymbols(), 'ab', 'bc', 'Ġa', '<|endoftext|>']);
export const MERGES = ['a b', 'b c', 'Ġ a'];
export const mergesTxt = (merges: string[]) => `#version: 0.2\n${merges.join('\n')}\n`;
export const TWO_FILES = { 'vocab.json': VOCAB, 'merges.txt': mergesTxt(MERGES) };

export const END_OF_TEXT = {
  id: 259,
  content: '<|endoftext|>',
  single_word: false,
  lstrip: false,
  rstrip: false,
  special: true,
};
export const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const ONE_FILE = {
  added_tokens: [END_OF_TEXT],
  normalizer: null,
  pre_tokenizer: BYTE_LEVEL,
  post_processor: { ...BYTE_LEVEL, add_prefix_space: true },
  decoder: { ...BYTE_LEVEL, add_prefix_space: true },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: '',
    end_of_word_suffix: '',
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: VOCAB,
    merges: MERGES.map((merge) => merge.split(' ')),
  },
};
export const oneFile = (change: object, model: object = {}) => ({
  'tokenizer.json': { ...ONE_FILE, ...change, model: { ...ONE_FILE.model, ...model } },
});
