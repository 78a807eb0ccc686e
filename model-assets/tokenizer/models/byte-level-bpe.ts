/** @module Byte-level BPE: the ids of bytes, and merges. */
import * as z from 'zod';
import { offsetsOf } from '../../../tokenizer/format/file.ts';
import { NO_TOKEN } from '../../../tokenizer/models/byte-level-bpe.ts';
import { byteSymbols } from '../../../tokenizer/unicode/symbols.ts';
import { check, fail } from '../files/folder.ts';
import type { TokenizerFiles } from '../files/read-files.ts';
import { bytesIfSymbols } from '../pipeline/token-texts.ts';
import type { BuiltModel } from './built-model.ts';
import { mergeTable } from './merge-table.ts';

const TOKENIZER_JSON = 'tokenizer.json';

const bpe = z.object({
  dropout: z.literal([0, null]).optional(),
  unk_token: z.string().nullish(),
  fuse_unk: z.boolean().nullish(),
  ignore_merges: z.boolean().nullish(),
  merges: z.custom<readonly unknown[]>(Array.isArray, 'expected a list of merges'),
});

export function buildByteLevelBpe(files: TokenizerFiles): BuiltModel {
  const { vocabulary, json } = files;
  const { unk_token, fuse_unk, ignore_merges, merges } = check(`${TOKENIZER_JSON}: model`, bpe, json.model);
  const byteIds = Uint32Array.from(byteSymbols(), (symbol) => vocabulary.get(symbol) ?? NO_TOKEN);
  const unknown = byteIds.includes(NO_TOKEN) && unk_token != null ? unknownId(files, unk_token) : null;
  const tables: BuiltModel['tables'] = [
    ['byteIds', byteIds],
    ['merges', mergeTable(files, merges)],
  ];
  return {
    model: {
      type: 'ByteLevelBpe',
      ignoreMerges: ignore_merges ?? false,
      unknown,
      fuseUnknown: fuse_unk ?? false,
    },
    tables: ignore_merges ? [...tables, ...pieceTables(vocabulary)] : tables,
  };
}

function unknownId({ vocabulary, file }: TokenizerFiles, token: string): number {
  return vocabulary.get(token) ?? fail(`${file}: model.unk_token`, `"${token}" is not in the vocabulary`);
}

/** The tokens that pieces may be. Their bytes are not those of texts: a normalizer changes the text of an added token. */
function pieceTables(vocabulary: ReadonlyMap<string, number>): BuiltModel['tables'] {
  const pieces = [...vocabulary].flatMap(([token, id]) => {
    const bytes = token === '' ? undefined : bytesIfSymbols(token);
    return bytes ? [{ bytes, id }] : [];
  });
  const bytes = pieces.map((piece) => piece.bytes);
  return [
    ['pieceIds', Uint32Array.from(pieces, ({ id }) => id)],
    ['pieceOffsets', offsetsOf(bytes)],
    ['pieceBytes', Uint8Array.from(Buffer.concat(bytes))],
  ];
}
