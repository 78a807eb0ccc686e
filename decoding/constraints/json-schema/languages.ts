/** @module The regular languages of a schema's patterns and formats, kept from one compilation to the next. */
import type { CompileBudget } from '../automaton/errors.ts';
import { Language } from '../regular/language.ts';

export function languageOf(texts: readonly string[], budget: CompileBudget): Language {
  return Language.ofStrings(texts, budget);
}
