/** @module WordPiece and WordLevel. */
import * as z from 'zod';
import { check } from '../files/folder.ts';
import type { TokenizerFiles } from '../files/read-files.ts';
import type { BuiltModel } from './built-model.ts';
import { trieTable, unknownId } from './vocabulary-trie.ts';

const wordPiece = z.object({
  unk_token: z.string().default('[UNK]'),
  continuing_subword_prefix: z.string().default('##'),
  max_input_chars_per_word: z.int().nonnegative().default(100),
});

const wordLevel = z.object({ unk_token: z.string().default('<unk>') });

export function buildWordPiece(files: TokenizerFiles): BuiltModel {
  const json = check(`${files.file}: model`, wordPiece, files.json.model);
  return {
    model: {
      type: 'WordPiece',
      unknown: unknownId(files, json.unk_token),
      continuingSubwordPrefix: json.continuing_subword_prefix,
      maxInputCharsPerWord: json.max_input_chars_per_word,
    },
    tables: [trieTable(files.vocabulary)],
  };
}

export function buildWordLevel(files: TokenizerFiles): BuiltModel {
  const { unk_token } = check(`${files.file}: model`, wordLevel, files.json.model);
  return {
    model: { type: 'WordLevel', unknown: unknownId(files, unk_token) },
    tables: [trieTable(files.vocabulary)],
  };
}
