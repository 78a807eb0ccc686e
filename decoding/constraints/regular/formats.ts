/** @module The texts of JSON Schema's formats. `format-patterns.ts` says what they have and what is left out. */
import { CompileBudget } from '../automaton/errors.ts';
import { formatPattern } from './format-patterns.ts';
import type { Language } from './language.ts';
import { parseRegex } from './regex.ts';

/** The formats are fixed, so that their cost is no one's to spend. */
const LIMITS = { steps: 5_000_000, states: 50_000, depth: 200 };

const known = new Map<string, Language>();

/** Built when it is first asked for. @returns undefined if the format is not known or not regular */
export function formatLanguage(name: string): Language | undefined {
  let language = known.get(name);
  if (!language) {
    const pattern = formatPattern(name);
    if (!pattern) return undefined;
    language = parseRegex(...pattern, 'whole', new CompileBudget(LIMITS));
    known.set(name, language);
  }
  return language;
}
