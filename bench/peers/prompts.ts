/** @module Prompts of a given number of tokens that every tokenizer cuts into the same ones. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestSchema } from '../../model-assets/format/manifest.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { Prompt } from './protocol.ts';

/** A step through the vocabulary that has no factor in common with its size. */
const STRIDE = 7919;

/** @param model folder of a converted model */
export async function readTokenizer(model: string): Promise<Tokenizer> {
  const manifest = manifestSchema.parse(JSON.parse(await readFile(join(model, 'manifest.json'), 'utf8')));
  return Tokenizer.read(await readFile(join(model, manifest.tokenizer.path)));
}

/** Words that are one token each: spaces part words before any are merged, so a text of them has these tokens. */
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
  const again = tokenizer.encode(text);
  if (again.join() !== ids.join()) throw new Error('the words of a prompt were cut in another way');
  return { text, ids };
}
