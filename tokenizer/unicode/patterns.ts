/** @module Patterns of a description, and what they match. */
import type { Pattern } from '../format/description.ts';
import { SETS } from './sets.ts';

/**
 * Finds the matches in a text, in order: `visit(start, end)` for each. A match may be empty; it then still separates.
 */
export type FindMatches = (text: string, visit: (start: number, end: number) => void) => void;

/**
 * @param pattern with the flag `g`. An empty match directly after another one does not count, which JavaScript would
 *   report: the reference's engine does not. Nor does one inside of a surrogate pair, which V8 reports for a lookbehind
 */
export function matchesOf(pattern: RegExp): FindMatches {
  return (text, visit) => {
    if (text === '') return;
    let lastEnd = -1;
    for (const { 0: match, index } of text.matchAll(pattern)) {
      const end = index + match.length;
      if (match === '' && (index === lastEnd || isInPair(text, index))) continue;
      visit(index, end);
      lastEnd = end;
    }
  };
}

function isInPair(text: string, index: number): boolean {
  return index > 0 && (text.codePointAt(index - 1) ?? 0) > 0xffff;
}

/**
 * What the pattern matches, everywhere in a text (flag `g`). Characters that Unicode has added since the reference's
 * version are assigned in no set: with the next engine, a text would else have other ids.
 */
export function regExpOf(pattern: Pattern): RegExp {
  if ('regex' in pattern) {
    const { regex, flags } = pattern;
    const source = flags.includes('v') ? regex.replace(/\\p\{([^}]+)\}/g, referenceSet) : regex;
    return new RegExp(source, `g${flags}`);
  }
  return new RegExp(pattern.string.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), 'gu');
}

/** Sets of what is not assigned, and of everything. */
const WITH_UNASSIGNED = /^(?:Any|C|Other|Cn|Unassigned|(?:Script|sc)=(?:Unknown|Zzzz))$/;
/** The one letter whose category has changed: U+0295 was in lower case. */
const CHANGED_LETTER = '[\\u{295}]';
const LOWER_CASE = /^(?:Ll|Lowercase_Letter|Lowercase|Lower|LC|Cased_Letter|Cased)$/;
const OTHER_LETTER = /^(?:Lo|Other_Letter)$/;

/** A set of this engine, as the reference has it. */
function referenceSet(property: string, name: string): string {
  added ??= addedCharacters();
  let set = property;
  if (LOWER_CASE.test(name)) set = `[${set}${CHANGED_LETTER}]`;
  if (OTHER_LETTER.test(name)) set = `[${set}--${CHANGED_LETTER}]`;
  if (added === '') return set;
  return WITH_UNASSIGNED.test(name) ? `[${set}${added}]` : `[${set}--${added}]`;
}

/** A class of the characters that this engine knows, and the reference does not; '' if there are none. */
let added: string | undefined;

/** Planes from here on have no characters that were not there in 1996. */
const LAST_PLANES = 0x40000;

function addedCharacters(): string {
  const ranges: string[] = [];
  let start = 0;
  for (const [i, length] of SETS.UNASSIGNED.trim().split(/\s+/).entries()) {
    const end = start + Number.parseInt(length, 36);
    if (i % 2 === 1 && start < LAST_PLANES) {
      const text = String.fromCodePoint(
        ...Array.from({ length: Math.min(end, LAST_PLANES) - start }, (_, j) => start + j),
      );
      for (const [run] of text.matchAll(/\P{Cn}+/gu)) {
        const characters = [...run];
        ranges.push(`\\u{${hex(characters[0])}}-\\u{${hex(characters.at(-1))}}`);
      }
    }
    start = end;
  }
  return ranges.length === 0 ? '' : `[${ranges.join('')}]`;
}

const hex = (character = '') => character.codePointAt(0)?.toString(16) ?? '';
