/** @module Sets of characters of Oniguruma, as sets of JavaScript's regular expressions (flag `v`). */
import { caseVariants } from './case-variants.ts';
import type { PatternReader } from './pattern-reader.ts';

/** White space, as the reference has it: U+0085 is one, U+FEFF is none. */
const SPACE = '\\p{White_Space}';
const WORD_IN_CLASS = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]';
/** Outside of a class, six characters of Latin-1 belong to words too. */
export const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\xb2\\xb3\\xb9\\xbc-\\xbe]';
const DIGIT = '\\p{Nd}';
const HEX = '[0-9A-Fa-f]';

/** Of an escape: the set, and with the capital letter all other characters. */
const ESCAPED_SETS: Readonly<Record<string, string>> = { s: SPACE, w: WORD, d: DIGIT, h: HEX };

/** POSIX brackets, and properties whose names are Oniguruma's own. */
const NAMED_SETS: Readonly<Record<string, string>> = {
  alnum: '[\\p{Alphabetic}\\p{Nd}]',
  alpha: '\\p{Alphabetic}',
  ascii: '[\\x00-\\x7f]',
  blank: '[\\p{Zs}\\t]',
  cntrl: '\\p{Cc}',
  digit: DIGIT,
  lower: '\\p{Lowercase}',
  punct: '[\\p{P}\\p{S}]',
  space: SPACE,
  upper: '\\p{Uppercase}',
  word: WORD_IN_CLASS,
  xdigit: HEX,
};

/** Where the property of a name is another set than the bracket. */
const OWN_PROPERTIES: Readonly<Record<string, string>> = { punct: '\\p{P}' };

/** Properties that other versions of Unicode give to other characters than the reference's does. */
const CHANGED_PROPERTIES: ReadonlySet<string> = new Set(
  (
    'extendedpictographic extpict diacritic dia patternsyntax patsyn changeswhenuppercased cwu ' +
    'changeswhentitlecased cwt changeswhencasemapped cwcm'
  ).split(' '),
);

const CONTROL_ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7, e: 27 };

/** A character as an expression of JavaScript, in a class and outside. */
export function literal(codePoint: number): string {
  const character = String.fromCodePoint(codePoint);
  return /[\p{L}\p{N} ]/u.test(character) && codePoint < 0x80 ? character : `\\u{${codePoint.toString(16)}}`;
}

/**
 * Reads what follows a backslash, if it is a character or a set.
 * @param isInClass whether it stands between brackets
 * @returns undefined, and reads nothing, if it is something else
 */
export function readEscapedSet(
  reader: PatternReader,
  ignoreCase: boolean,
  isInClass = false,
): { set: string } | { codePoint: number } | undefined {
  const letter = reader.peek();
  const isWord = letter.toLowerCase() === 'w';
  const set = isWord && isInClass ? WORD_IN_CLASS : ESCAPED_SETS[letter.toLowerCase()];
  if (set !== undefined) {
    reader.next();
    return { set: letter === letter.toLowerCase() ? set : `[^${set}]` };
  }
  if (letter === 'p' || letter === 'P') {
    reader.next();
    return { set: readProperty(reader, letter === 'P', ignoreCase, isInClass) };
  }
  const codePoint = readEscapedCharacter(reader);
  return codePoint === undefined ? undefined : { codePoint };
}

/** These have characters of one case only. */
const ONE_CASE = /^(l[ult]|(upper|lower|title)(case)?([ _]?letter)?)$/i;

function readProperty(
  reader: PatternReader,
  isNegated: boolean,
  ignoreCase: boolean,
  isInClass: boolean,
): string {
  const match = reader.match(/\{(\^?)([\w -]+)\}/y) ?? reader.fail('has a property without a name');
  const negated = isNegated !== (match[1] === '^');
  const name = match[2] as string; // a group of every match
  if (ignoreCase && ONE_CASE.test(name)) reader.fail(`has the property "${name}" without regard to case`);
  const key = name.toLowerCase();
  if (CHANGED_PROPERTIES.has(key.replace(/[ _-]/g, '')))
    reader.fail(`has the property "${name}", which is not supported`);
  const own = key === 'word' && !isInClass ? WORD : (OWN_PROPERTIES[key] ?? NAMED_SETS[key]);
  const set = own ?? propertyOf(name) ?? reader.fail(`has the property "${name}", which is not supported`);
  return negated ? `[^${set}]` : set;
}

/** General categories and scripts have the same names in JavaScript, but there only in one spelling. */
function propertyOf(name: string): string | undefined {
  const words = name
    .split(/[ _-]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase());
  const spellings = [name, words.join('_'), words.join(''), name.charAt(0).toUpperCase() + name.slice(1)];
  return spellings
    .flatMap((spelling) => [`\\p{${spelling}}`, `\\p{Script=${spelling}}`])
    .find((property) => {
      try {
        return new RegExp(property, 'v');
      } catch {
        return false;
      }
    });
}

function readEscapedCharacter(reader: PatternReader): number | undefined {
  const hex = reader.match(/x\{([0-9a-fA-F]{1,8})\}|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})/y);
  if (hex) return codePointOf(reader, Number.parseInt(hex[1] ?? hex[2] ?? (hex[3] as string), 16));
  const octal = reader.match(/0[0-7]{0,2}|[1-7][0-7]{2}/y);
  if (octal) return codePointOf(reader, Number.parseInt(octal[0], 8));
  const letter = reader.peek();
  const control = CONTROL_ESCAPES[letter];
  if (control === undefined && /[\p{ASCII}&&[0-9A-Za-z]]/v.test(letter)) return undefined;
  if (control === undefined) return reader.nextCodePoint();
  reader.next();
  return control;
}

function codePointOf(reader: PatternReader, codePoint: number): number {
  if (codePoint > 0x10ffff) reader.fail(`has U+${codePoint.toString(16)}, which is no character`);
  return codePoint;
}

/** A character, or without regard to case a set of them. */
export function character(codePoint: number, ignoreCase: boolean): string {
  const variants = ignoreCase ? caseVariants(codePoint) : [codePoint];
  return variants.length === 1 ? literal(codePoint) : `[${variants.map(literal).join('')}]`;
}

/** Reads a class from behind its `[` to behind its `]`. */
export function readClass(reader: PatternReader, ignoreCase: boolean): string {
  return reader.nested(() => {
    const isNegated = reader.take('^');
    const intersected: string[] = [];
    let parts = '';
    for (let isFirst = true; isFirst || !reader.take(']'); isFirst = false) {
      if (reader.isAtEnd) reader.fail('has a class without an end');
      if (reader.take('&&')) {
        intersected.push(`[${parts}]`);
        parts = '';
      } else {
        parts += readClassPart(reader, ignoreCase);
      }
    }
    const set = intersected.length === 0 ? `[${parts}]` : `[${[...intersected, `[${parts}]`].join('&&')}]`;
    return isNegated ? `[^${set}]` : set;
  });
}

function readClassPart(reader: PatternReader, ignoreCase: boolean): string {
  const posix = reader.match(/\[:(\^?)([a-z]+):\]/y);
  if (posix) {
    const set =
      NAMED_SETS[posix[2] as string] ?? reader.fail(`has the class ${posix[0]}, which is not supported`);
    return posix[1] === '^' ? `[^${set}]` : set;
  }
  if (reader.take('[')) return readClass(reader, ignoreCase);
  const first = readClassCharacter(reader, ignoreCase);
  if (typeof first === 'string') return first;
  // A hyphen is a range between two characters only.
  if (reader.peek() !== '-' || /^-(\]|&&|\[)/.test(reader.rest(3))) return character(first, ignoreCase);
  reader.next();
  const last = readClassCharacter(reader, ignoreCase);
  if (typeof last === 'string') return `${character(first, ignoreCase)}\\-${last}`;
  if (last < first) reader.fail('has a range that ends before it begins');
  return `${literal(first)}-${literal(last)}${ignoreCase ? variantsIn(first, last) : ''}`;
}

/** The characters outside of a range that differ in case from those inside. */
function variantsIn(first: number, last: number): string {
  const outside = new Set<number>();
  for (let codePoint = first; codePoint <= last; codePoint++) {
    for (const variant of caseVariants(codePoint))
      if (variant < first || variant > last) outside.add(variant);
  }
  return Array.from(outside, literal).join('');
}

function readClassCharacter(reader: PatternReader, ignoreCase: boolean): string | number {
  if (!reader.take('\\')) return reader.nextCodePoint();
  if (reader.take('b')) return 8;
  const escaped =
    readEscapedSet(reader, ignoreCase, true) ?? reader.fail(`has "\\${reader.peek()}" in a class`);
  return 'set' in escaped ? escaped.set : escaped.codePoint;
}
