/** @module Regular expressions of JavaScript as languages. */
import { type AST, RegExpParser } from '@eslint-community/regexpp';
import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import type { Language } from './language.ts';
import { languageOf } from './regex-dfa.ts';
import { takeCount } from './regex-lengths.ts';
import { nfaOf, type RegexFlags } from './regex-nfa.ts';

/** In UTF-16 units. */
export const MAX_REGEX_LENGTH = 10_000;

/**
 * Which texts a regular expression stands for: `search` for those with a match anywhere, like `RegExp.test`; `whole` for
 * those that match from beginning to end.
 */
export type RegexMode = 'search' | 'whole';

const FLAGS = 'imsuv';

/**
 * The texts that a regular expression matches. Characters are code points, whether the flag u is there or not. The
 * pattern has the syntax of the flag u if it is valid with it (needless escapes as `\-` are allowed), else the one
 * without.
 * @param flags of `i`, `m`, `s`, `u`, `v`
 * @throws ConstraintError with what is wrong or not supported (back references, and a few kinds of look-arounds), and
 *   where; or beyond the budget
 */
export function parseRegex(source: string, flags: string, mode: RegexMode, budget: CompileBudget): Language {
  const { language, min, max } = parsePattern(source, flags, mode, budget, false);
  return language.withLength(min, max, budget);
}

/** The texts of a language that have at least `min` and at most `max` code points. */
export interface Pattern {
  readonly language: Language;
  readonly min: number;
  readonly max: number;
}

/**
 * Like `parseRegex`, but with a long repetition as a count beside the language, if it is one: `^[a-z]{1,255}$` are the
 * texts of `[a-z]*` that have 1 to 255 code points. Frames count at no cost, and share what they know.
 */
export function parsePattern(
  source: string,
  flags: string,
  mode: RegexMode,
  budget: CompileBudget,
  counts = true,
): Pattern {
  checkFlags(flags);
  if (source.length > MAX_REGEX_LENGTH) {
    throw new ConstraintError(
      `the regular expression has ${source.length} characters, more than ${MAX_REGEX_LENGTH}`,
    );
  }
  checkNesting(source, budget);
  const { pattern, unicode } = parse(source, flags.includes('v'));
  const regexFlags: RegexFlags = {
    ignoreCase: flags.includes('i'),
    multiline: flags.includes('m'),
    dotAll: flags.includes('s'),
    unicode,
    unicodeSets: flags.includes('v'),
  };
  const isSearch = mode === 'search';
  const { alternatives, min, max } =
    counts && !regexFlags.multiline
      ? takeCount(pattern.alternatives, !isSearch)
      : { alternatives: pattern.alternatives, min: 0, max: Infinity };
  const nfa = nfaOf(alternatives, regexFlags, { anyBefore: isSearch, anyAfter: isSearch }, budget);
  return { language: languageOf(nfa, budget), min, max };
}

function checkFlags(flags: string): void {
  for (const flag of flags) {
    if (!FLAGS.includes(flag))
      throw new ConstraintError(`the flag ${flag} is not one of ${[...FLAGS].join(', ')}`);
  }
  if (flags.includes('u') && flags.includes('v'))
    throw new ConstraintError('the flags u and v exclude each other');
}

/** The parser descends into groups and classes by itself, so that they are counted before. */
function checkNesting(source: string, budget: CompileBudget): void {
  let depth = 0;
  for (let i = 0; i < source.length; i++) {
    const character = source[i];
    if (character === '\\') i++;
    else if (character === '(' || character === '[') budget.checkDepth(++depth);
    else if ((character === ')' || character === ']') && depth > 0) depth--;
  }
}

function parse(source: string, unicodeSets: boolean): { pattern: AST.Pattern; unicode: boolean } {
  const parser = new RegExpParser();
  const parseAs = (text: string, unicode: boolean) => ({
    pattern: parser.parsePattern(text, 0, text.length, { unicode, unicodeSets }),
    unicode,
  });
  try {
    return parseAs(source, !unicodeSets);
  } catch (error) {
    const parsed = unicodeSets
      ? undefined
      : (attempt(() => parseAs(withoutNeedlessEscapes(source), true)) ??
        (MEANT_WITHOUT_UNICODE.test(source) ? attempt(() => parseAs(source, false)) : undefined));
    if (parsed) return parsed;
    throw new ConstraintError(messageOf(error));
  }
}

/**
 * What the syntax without the flag u reads as it was meant. It would read `\A`, `\pL`, `{,3}` and `[[:alpha:]]`, which mean
 * something in other languages, as the letters and signs that they are written with.
 */
const MEANT_WITHOUT_UNICODE =
  /^(?!.*(?:\[:\w+:\]|\{,\d+\}))(?:[^\\\u{10000}-\u{10ffff}]|\\(?:[^A-Za-z]|[bBdDfnrsStvwW]|c[A-Za-z]|x[\dA-Fa-f]{2}|u[\dA-Fa-f]{4}))*$/su;

/** With the flag u, characters that mean nothing else must not be escaped. People escape them. */
function withoutNeedlessEscapes(source: string): string {
  let inClass = false;
  return source.replace(/\\?./gsu, (part) => {
    if (part === '[') inClass = true;
    else if (part === ']') inClass = false;
    return /^\\[^A-Za-z0-9^$\\.*+?()[\]{}|/]$/u.test(part) && !(inClass && part === '\\-')
      ? part.slice(1)
      : part;
  });
}

function attempt<T>(parsing: () => T): T | undefined {
  try {
    return parsing();
  } catch {
    // The message about the pattern as it was given is the better one.
    return undefined;
  }
}

/** The parser repeats the whole pattern. */
function messageOf(error: unknown): string {
  const { message, index } = error as { message: string; index?: number };
  const reason = message.slice(message.lastIndexOf(': ') + 2);
  return `the regular expression is not valid: ${reason}${index === undefined ? '' : ` at ${index}`}`;
}
