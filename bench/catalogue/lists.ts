/** @module The list of the benchmark: entries of five tokens, few of which begin them and more of which follow. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListedEntry } from '../../decoding/catalogue/build.ts';
import { seededRandom } from '../../decoding/math/random.ts';
import { packTokens } from '../../model-assets/catalogue/pack.ts';
import { manifestSchema } from '../../model-assets/format/manifest.ts';

export const ENTRIES = 100_000;
const TOKENS = 5;
export const NAME = 'bench';

/** Always the same list, of tokens below `vocabSize`: lower ones are more frequent, as in text. */
export function entriesOf(vocabSize: number, count = ENTRIES): ListedEntry[] {
  const random = seededRandom(11);
  // The last tokens may be special.
  const token = () => Math.floor((vocabSize - 8) * random() ** 3);
  return Array.from({ length: count }, () => ({ tokens: Array.from({ length: TOKENS }, token) }));
}

/** Packs the list into the folder of a model. @returns its file's figures */
export async function packList(model: string) {
  const { config, tokenizer } = manifestSchema.parse(
    JSON.parse(await readFile(join(model, 'manifest.json'), 'utf8')),
  );
  const entries = entriesOf(config.vocab_size);
  const out = join(model, 'catalogues', `${NAME}.trie`);
  return packTokens(entries, { vocabSize: config.vocab_size, tokenizer: tokenizer.sha256 }, { out });
}

/** Prompts that share nothing but the first token. */
export function promptOf(vocabSize: number, index: number): number[] {
  const random = seededRandom(1000 + index);
  return Array.from({ length: 12 }, () => Math.floor((vocabSize - 8) * random()));
}
