/** @module The model of a tokenizer, by its type. */
import type { PreTokenizerDescription } from '../../../tokenizer/format/description.ts';
import { fail } from '../files/folder.ts';
import type { TokenizerFiles } from '../files/read-files.ts';
import type { BuiltModel } from './built-model.ts';
import { buildByteLevelBpe } from './byte-level-bpe.ts';

/** @throws CheckpointError if the model is invalid or not supported */
export function buildModel(
  files: TokenizerFiles,
  preTokenizers: readonly PreTokenizerDescription[],
): BuiltModel {
  const { model } = files.json;
  const type = model.type ?? ('merges' in model ? 'BPE' : 'WordPiece');
  const inBytes = preTokenizers.at(-1)?.type === 'ByteLevel';
  const isPlain = !model.continuing_subword_prefix && !model.end_of_word_suffix && !model.byte_fallback;
  if (type === 'BPE' && inBytes && isPlain) return buildByteLevelBpe(files);
  return fail(`${files.file}: model`, `the model "${type}" is not supported`);
}
