/** @module The languages that were made last, so that equal ones are the same object. */
import type { Dfa } from './dfa.ts';
import type { Language } from './language.ts';

/** Numbers that the automata in the table may have, of four bytes each. */
const MAX_NUMBERS = 250_000;

const table = new Map<number, Language[]>();
let numbers = 0;

/** @returns the language of an equal automaton, created if there is none */
export function interned(dfa: Dfa, create: () => Language): Language {
  const hash = hashOf(dfa);
  const there = table.get(hash);
  const known = there?.find((language) => areEqual(language.dfa, dfa));
  if (known) return known;
  const language = create();
  const size = sizeOf(dfa);
  if (size > MAX_NUMBERS / 4) return language;
  if (numbers + size > MAX_NUMBERS) {
    table.clear();
    numbers = 0;
  }
  numbers += size;
  table.set(hash, [...(table.get(hash) ?? []), language]);
  return language;
}

interned.areEqual = areEqual;

function partsOf({ alphabet, labels, fallback, offsets, symbols, targets }: Dfa): ArrayLike<number>[] {
  return [alphabet.starts, alphabet.classes, labels, fallback, offsets, symbols, targets];
}

function sizeOf(dfa: Dfa): number {
  return partsOf(dfa).reduce((sum, { length }) => sum + length, 0);
}

function hashOf(dfa: Dfa): number {
  let hash = 0;
  for (const part of partsOf(dfa)) {
    for (let i = 0; i < part.length; i++) hash = (Math.imul(hash, 31) + (part[i] as number)) | 0;
  }
  return hash;
}

function areEqual(a: Dfa, b: Dfa): boolean {
  const partsOfB = partsOf(b);
  return partsOf(a).every((part, i) => {
    const other = partsOfB[i] as ArrayLike<number>;
    if (part.length !== other.length) return false;
    for (let at = 0; at < part.length; at++) if (part[at] !== other[at]) return false;
    return true;
  });
}
