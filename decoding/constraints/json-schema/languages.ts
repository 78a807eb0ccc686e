/** @module The regular languages of a schema's patterns, formats and numbers, kept from one compilation to the next. */
import { CompileBudget } from '../automaton/errors.ts';
import { Language } from '../regular/language.ts';
import { parseRegex } from '../regular/regex.ts';
import type { NumberPiece } from './numbers.ts';

export function languageOf(texts: readonly string[], budget: CompileBudget): Language {
  return Language.ofStrings(
    texts.filter((text) => text.isWellFormed()),
    budget,
  );
}

/** The strings in which a regular expression has a match. */
export function patternOf(source: string, budget: CompileBudget): Language {
  return parseRegex(source, 'u', 'search', budget);
}

/** The strings of a format; undefined for those that are not known. */
export function formatOf(_name: string, _budget: CompileBudget): Language | undefined {
  return undefined;
}

const NUMBER = parseRegex('-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?', '', 'whole', new CompileBudget());
const INTEGER = parseRegex('-?(0|[1-9]\\d*)', '', 'whole', new CompileBudget());
/** The texts of a piece's numbers. */
export function numberLanguageOf(piece: NumberPiece, budget: CompileBudget): Language {
  if (piece.low === piece.high) return Language.ofStrings([JSON.stringify(piece.low)], budget);
  return piece.multiples.length ? INTEGER : NUMBER;
}
