/** @module The model that a description names. */
import type { TokenizerDescription } from '../format/description.ts';
import { checkIds, fail, type Tables } from '../format/file.ts';
import { Bpe } from './bpe.ts';
import { ByteLevelBpe } from './byte-level-bpe.ts';
import { Merges } from './merges.ts';
import type { TokenizerModel } from './model.ts';
import { Trie } from './trie.ts';
import { Unigram } from './unigram.ts';
import { WordLevel } from './word-level.ts';
import { WordPiece } from './word-piece.ts';

/** @throws Error if its tables are missing or inconsistent */
export function createModel({ model, vocabSize }: TokenizerDescription, tables: Tables): TokenizerModel {
  if (model.unknown !== null) checkIds([model.unknown], vocabSize);
  switch (model.type) {
    case 'ByteLevelBpe':
      return new ByteLevelBpe(model, tables, vocabSize);
    case 'Bpe':
      return new Bpe(model, trieOf(tables, vocabSize), new Merges(tables.get('merges', 'u32'), vocabSize));
    case 'WordPiece':
      return new WordPiece(model, trieOf(tables, vocabSize));
    case 'Unigram': {
      const scores = tables.get('scores', 'f64');
      return new Unigram(model, trieOf(tables, Math.min(scores.length, vocabSize)), scores);
    }
    case 'WordLevel':
      return new WordLevel(model, trieOf(tables, vocabSize));
    default:
      return fail(`has a model of an unknown type, ${JSON.stringify(model satisfies never)}`);
  }
}

const trieOf = (tables: Tables, vocabSize: number) => new Trie(tables.get('trie', 'u32'), vocabSize);
