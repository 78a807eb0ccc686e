/** @module Unigram: tokens with scores. */
import * as z from 'zod';
import { check, excerpt, fail } from '../files/folder.ts';
import type { TokenizerFiles } from '../files/read-files.ts';
import type { BuiltModel } from './built-model.ts';
import { trieTable } from './vocabulary-trie.ts';

const unigram = z.object({
  unk_id: z.int().nonnegative().nullish(),
  byte_fallback: z.boolean().nullish(),
  vocab: z.custom<readonly unknown[]>(Array.isArray, 'expected a list of tokens with scores'),
});

export function buildUnigram(files: TokenizerFiles): BuiltModel {
  const location = `${files.file}: model`;
  const { unk_id = null, byte_fallback, vocab } = check(location, unigram, files.json.model);
  if (unk_id !== null && unk_id >= vocab.length) {
    fail(`${location}.unk_id`, `is ${unk_id}, but the vocabulary has ${vocab.length} tokens`);
  }
  const pieces = vocab.map((entry, id): [string, number] => {
    const [token, score] = Array.isArray(entry) ? entry : [];
    if (typeof token !== 'string' || typeof score !== 'number') {
      return fail(`${location}.vocab.${id}`, `expected a token and its score, found ${excerpt(entry)}`);
    }
    return [token, score];
  });
  return {
    model: { type: 'Unigram', unknown: unk_id, byteFallback: byte_fallback ?? false },
    tables: [
      trieTable(pieces.map(([token], id) => [token, id])),
      ['scores', Float64Array.from(pieces, ([, score]) => score)],
    ],
  };
}
