/**
 * @module Translates a regular expression of Oniguruma, which Hugging Face's tokenizers use, into one of JavaScript.
 *
 * What differs: `^` and `$` are the ends of lines; `\s`, `\w`, `\d` are Unicode's; possessive quantifiers and atomic
 * groups, which are a lookahead and a back reference here; options such as `(?i)` in the middle of a group; escapes
 * and classes. What has no counterpart is an error that names it.
 */
import { character, readClass, readEscapedSet, WORD } from './character-class.ts';
import { PatternReader } from './pattern-reader.ts';

/** Not behind a line break that ends the text. */
const LINE_START = '(?:(?<![^])|(?<=\\n)(?=[^]))';
const LINE_END = '(?=\\n|(?![^]))';
const TEXT_START = '(?<![^])';
const TEXT_END = '(?![^])';
const LINE_BREAK = '(?:\\r\\n|[\\n\\v\\f\\r\\x85\\u2028\\u2029])';

/** Assertions and sets behind a backslash. */
const ESCAPES: Readonly<Record<string, string>> = {
  A: TEXT_START,
  z: TEXT_END,
  Z: '(?=\\n?(?![^]))',
  N: '[^\\n]',
  O: '[^]',
  R: LINE_BREAK,
};

const BOUNDARY = `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`;
const NO_BOUNDARY = `(?:(?<=${WORD})(?=${WORD})|(?<!${WORD})(?!${WORD}))`;

const LOOKAROUNDS = ['?=', '?!', '?<=', '?<!'];

interface Options {
  /** `i` */
  readonly ignoreCase: boolean;
  /** Ruby's `m`: a dot is also a line break. */
  readonly dotAll: boolean;
  /** `x`: white space and comments mean nothing. */
  readonly extended: boolean;
}

/** A group's name here, to which back references lead. */
const groupName = (index: number | string) => `g${index}`;

/**
 * @param location file and field, for errors
 * @returns the source of an expression with the flag `v`
 * @throws CheckpointError if the expression is invalid or cannot be translated
 */
export function translateRegex(pattern: string, location: string): { regex: string; flags: string } {
  const reader = new PatternReader(pattern, location);
  const regex = new Translator(reader).translate();
  try {
    new RegExp(regex, 'v');
  } catch (error) {
    reader.fail(`is invalid: ${error instanceof Error ? error.message : error}`);
  }
  return { regex, flags: 'v' };
}

class Translator {
  readonly #reader: PatternReader;
  #groups = 0;
  #atoms = 0;
  #lookbehinds = 0;

  constructor(reader: PatternReader) {
    this.#reader = reader;
  }

  translate(): string {
    const regex = this.#alternatives({ ignoreCase: false, dotAll: false, extended: false });
    if (!this.#reader.isAtEnd) this.#reader.fail('has a ")" without a "("');
    return regex;
  }

  /** Up to the end of the group. */
  #alternatives(options: Options): string {
    return this.#reader.nested(() => {
      let regex = '';
      let current = options;
      let open = 0;
      while (!this.#reader.isAtEnd && this.#reader.peek() !== ')') {
        if (this.#reader.take('|')) {
          regex += '|';
          continue;
        }
        const changed = this.#optionChange(current);
        if (changed) {
          // From here to the end of the group, alternatives included.
          regex += '(?:';
          open++;
          current = changed;
          continue;
        }
        regex += this.#quantified(this.#atom(current), current);
      }
      return regex + ')'.repeat(open);
    });
  }

  /** `(?i)`: options without a group of their own. */
  #optionChange(options: Options): Options | undefined {
    const match = this.#reader.match(/\(\?([imx]*)(?:-([imx]*))?\)/y);
    return match && withOptions(options, match[1] ?? '', match[2] ?? '');
  }

  #atom(options: Options): string {
    const reader = this.#reader;
    if (options.extended && reader.match(/\s+|#[^\n]*(?:\n|$)/y)) return '';
    if (reader.take('(')) return this.#group(options);
    if (reader.take('[')) return readClass(reader, options.ignoreCase);
    if (reader.take('\\')) return this.#escape(options);
    if (reader.take('.')) return options.dotAll ? '[^]' : '[^\\n]';
    if (reader.take('^')) return LINE_START;
    if (reader.take('$')) return LINE_END;
    if (/[*+?]/.test(reader.peek())) reader.fail(`has "${reader.peek()}" without what it repeats`);
    return character(reader.nextCodePoint(), options.ignoreCase);
  }

  #escape({ ignoreCase }: Options): string {
    const reader = this.#reader;
    const reference = reader.match(/([1-9]\d?)(?!\d)|k<(\w+)>|k'(\w+)'/y);
    if (reference) return `\\k<${groupName(reference[1] ?? reference[2] ?? (reference[3] as string))}>`;
    if (reader.take('b')) return BOUNDARY;
    if (reader.take('B')) return NO_BOUNDARY;
    const assertion = ESCAPES[reader.peek()];
    if (assertion !== undefined) {
      reader.next();
      return assertion;
    }
    const escaped =
      readEscapedSet(reader, ignoreCase) ?? reader.fail(`has "\\${reader.peek()}", which is not supported`);
    return 'set' in escaped ? escaped.set : character(escaped.codePoint, ignoreCase);
  }

  /** From behind the `(` to behind the `)`. */
  #group(options: Options): string {
    const reader = this.#reader;
    if (reader.match(/\?#[^)]*\)/y)) return '';
    const lookaround = LOOKAROUNDS.find((prefix) => reader.take(prefix));
    if (lookaround) {
      const isBehind = lookaround.startsWith('?<');
      if (isBehind) this.#lookbehinds++;
      const group = `(${lookaround}${this.#groupBody(options)})`;
      if (isBehind) this.#lookbehinds--;
      return group;
    }
    if (reader.take('?>')) return this.#atomic(this.#groupBody(options));
    const flags = reader.match(/\?([imx]*)(?:-([imx]*))?:/y);
    if (flags) {
      const changed = withOptions(options, flags[1] ?? '', flags[2] ?? '');
      return `(?:${this.#groupBody(changed)})`;
    }
    const named = reader.match(/\?<(\w+)>|\?'(\w+)'/y);
    if (!named && reader.peek() === '?') reader.fail(`has "(${reader.rest(3)}", which is not supported`);
    this.#groups++;
    const name = groupName(named?.[1] ?? named?.[2] ?? this.#groups);
    return `(?<${name}>${this.#groupBody(options)})`;
  }

  #groupBody(options: Options): string {
    const body = this.#alternatives(options);
    if (!this.#reader.take(')')) this.#reader.fail('has a "(" without a ")"');
    return body;
  }

  /** Never takes back what it matched: a lookahead is not tried again, and what it found is then matched as it is. */
  #atomic(regex: string): string {
    if (this.#lookbehinds > 0)
      this.#reader.fail('has an atomic group in a lookbehind, which is not supported');
    this.#atoms++;
    return `(?:(?=(?<atom${this.#atoms}>${regex}))\\k<atom${this.#atoms}>)`;
  }

  #quantified(atom: string, options: Options): string {
    let regex = atom;
    for (;;) {
      if (options.extended && this.#reader.match(/\s+|#[^\n]*(?:\n|$)/y)) continue;
      const simple = this.#reader.match(/([*+?])([?+]?)/y);
      if (simple) {
        const [, quantifier, mode] = simple as unknown as [string, string, string];
        const repeated = `(?:${regex})${quantifier}`;
        regex = mode === '+' ? this.#atomic(repeated) : repeated + mode;
        continue;
      }
      const counted = this.#reader.match(/\{(\d+)(,?)(\d*)\}(\??)|\{,(\d+)\}(\??)/y);
      if (!counted) return regex;
      regex = this.#counted(regex, counted);
    }
  }

  /** `{n}?` repeats n times or not at all; `{n,m}+` is one or more of them. */
  #counted(regex: string, match: RegExpExecArray): string {
    const [, from, comma, to, lazy, upTo, lazyUpTo] = match;
    const least = upTo === undefined ? Number(from) : 0;
    const most = upTo ?? (to || (comma ? '' : from));
    const largest = Math.max(least, Number(most));
    if (largest > MAX_REPEATS) this.#reader.fail(`repeats ${largest} times, more than ${MAX_REPEATS}`);
    if (most !== '' && Number(most) < least) this.#reader.fail('repeats fewer times at most than at least');
    const repeated = `(?:${regex}){${least},${most}}`;
    if (!(lazy || lazyUpTo)) return repeated;
    return comma || upTo !== undefined ? `${repeated}?` : `(?:${repeated})?`;
  }
}

/** Each repetition of a large set takes memory. */
const MAX_REPEATS = 1000;

function withOptions(options: Options, on: string, off: string): Options {
  const value = (letter: string, before: boolean) => (before || on.includes(letter)) && !off.includes(letter);
  return {
    ignoreCase: value('i', options.ignoreCase),
    dotAll: value('m', options.dotAll),
    extended: value('x', options.extended),
  };
}
