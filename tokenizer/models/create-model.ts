/** @module The model that a description names. */
import type { TokenizerDescription } from '../format/description.ts';
import { fail, type Tables } from '../format/file.ts';
import { ByteLevelBpe } from './byte-level-bpe.ts';
import type { TokenizerModel } from './model.ts';

/** @throws Error if its tables are missing or inconsistent */
export function createModel({ model, vocabSize }: TokenizerDescription, tables: Tables): TokenizerModel {
  if (model.type === 'ByteLevelBpe') return new ByteLevelBpe(model, tables, vocabSize);
  return fail(`has a model of an unknown type, ${JSON.stringify(model)}`);
}
