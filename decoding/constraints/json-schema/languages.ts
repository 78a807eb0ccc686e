/** @module The regular languages of a schema's patterns and formats, kept from one compilation to the next. */
import { type Charged, chargedValue } from '../automaton/charged.ts';
import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import { formatLanguage } from '../regular/formats.ts';
import { Language } from '../regular/language.ts';
import { parseRegex } from '../regular/regex.ts';

/** Numbers of states that the patterns which are kept may have together. */
const MAX_KEPT_STATES = 20_000;

const patterns = new Map<string, Charged<Language>>();
let keptStates = 0;

export function languageOf(texts: readonly string[], budget: CompileBudget): Language {
  return Language.ofStrings(
    texts.filter((text) => text.isWellFormed()),
    budget,
  );
}

/** The strings in which a regular expression has a match. */
export function patternOf(source: string, budget: CompileBudget): Language {
  return chargedValue(patterns, source, budget, () => parseRegex(source, 'u', 'search', budget), makeRoom);
}

/** Keeps none that is large. */
function makeRoom({ dfa }: Language): boolean {
  const states = dfa.labels.length;
  if (states > MAX_KEPT_STATES / 10) return false;
  if (keptStates + states > MAX_KEPT_STATES) {
    patterns.clear();
    keptStates = 0;
  }
  keptStates += states;
  return true;
}

/**
 * The strings of a format; undefined for formats that are not known, which assert nothing.
 * @throws ConstraintError for formats that are known and not regular
 */
export function formatOf(name: string): Language | undefined {
  if (name === 'regex') throw new ConstraintError('the format regex is not supported');
  return formatLanguage(name);
}
