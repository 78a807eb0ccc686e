/** @module BPE over characters: SentencePiece's and subword-nmt's. */
import * as z from 'zod';
import { check } from '../files/folder.ts';
import type { TokenizerFiles } from '../files/read-files.ts';
import type { BuiltModel } from './built-model.ts';
import { mergeTable } from './merge-table.ts';
import { trieTable, unknownId } from './vocabulary-trie.ts';

const flag = z.boolean().nullish();

const bpe = z.object({
  dropout: z.literal([0, null]).optional(),
  unk_token: z.string().nullish(),
  fuse_unk: flag,
  byte_fallback: flag,
  ignore_merges: flag,
  continuing_subword_prefix: z.string().nullish(),
  end_of_word_suffix: z.string().nullish(),
  merges: z.custom<readonly unknown[]>(Array.isArray, 'expected a list of merges'),
});

export function buildBpe(files: TokenizerFiles): BuiltModel {
  const json = check(`${files.file}: model`, bpe, files.json.model);
  const prefix = json.continuing_subword_prefix ?? '';
  return {
    model: {
      type: 'Bpe',
      unknown: unknownId(files, json.unk_token),
      omitsUnknown: json.unk_token == null,
      fuseUnknown: json.fuse_unk ?? false,
      byteFallback: json.byte_fallback ?? false,
      ignoreMerges: json.ignore_merges ?? false,
      continuingSubwordPrefix: prefix,
      endOfWordSuffix: json.end_of_word_suffix ?? '',
    },
    tables: [trieTable(files.vocabulary), ['merges', mergeTable(files, json.merges, prefix.length)]],
  };
}
