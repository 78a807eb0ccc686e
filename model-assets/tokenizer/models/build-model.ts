/** @module The model of a tokenizer, by its type. */
import type { PreTokenizerDescription } from '../../../tokenizer/format/description.ts';
import { fail } from '../files/folder.ts';
import type { TokenizerFiles } from '../files/read-files.ts';
import { modelTypeOf } from '../files/tokenizer-json.ts';
import { buildBpe } from './bpe.ts';
import type { BuiltModel } from './built-model.ts';
import { buildByteLevelBpe } from './byte-level-bpe.ts';
import { buildUnigram } from './unigram.ts';
import { buildWordLevel, buildWordPiece } from './words.ts';

/** @throws CheckpointError if the model is invalid or not supported */
export function buildModel(
  files: TokenizerFiles,
  preTokenizers: readonly PreTokenizerDescription[],
): BuiltModel {
  const { model } = files.json;
  const inBytes = preTokenizers.at(-1)?.type === 'ByteLevel';
  const isPlain = !model.continuing_subword_prefix && !model.end_of_word_suffix && !model.byte_fallback;
  const type = modelTypeOf(model);
  switch (type) {
    case 'BPE':
      return inBytes && isPlain ? buildByteLevelBpe(files) : buildBpe(files);
    case 'WordPiece':
      return buildWordPiece(files);
    case 'Unigram':
      return buildUnigram(files);
    case 'WordLevel':
      return buildWordLevel(files);
    default:
      return fail(`${files.file}: model`, `the model "${type}" is not supported`);
  }
}
