/** @module Prompts of a given number of tokens, with the same ids in every peer's tokenizer. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestSchema } from '../../model-assets/format/manifest.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { Prompt } from './protocol.ts';

/** Step through the vocabulary; coprime to its size. */
const STRIDE = 7919;

/** @param model folder of a converted model */
export async function readTokenizer(model: string): Promise<Tokenizer> {
  const manifest = manifestSchema.parse(JSON.parse(await readFile(join(model, 'manifest.json'), 'utf8')));
  return Tokenizer.read(await readFile(join(model, manifest.tokenizer.path)));
}

/**
 * Uses words of one token each: the pre-tokenizer splits at spaces before any merge, so the whole text has
 * the same tokens.
 */
export function wordPrompt(tokenizer: Tokenizer, tokens: number): Prompt {
  const ids: number[] = [];
  let text = '';
  for (let i = 0; ids.length < tokens; i++) {
    const id = (i * STRIDE) % tokenizer.vocabSize;
    const word = tokenizer.decode([id]);
    if (!/^ [a-z]{2,}$/.test(word) || tokenizer.encode(word).length !== 1) continue;
    ids.push(id);
    text += word;
  }
  const encoded = tokenizer.encode(text);
  if (encoded.join() !== ids.join()) throw new Error('the prompt does not encode to the ids of its words');
  return { text, ids };
}
