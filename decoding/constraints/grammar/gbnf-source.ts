/** @module The text of a grammar in GBNF, read character by character, with places for errors. */
import { ConstraintError } from '../automaton/errors.ts';
import { MAX_CODE_POINT } from '../regular/code-points.ts';

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
/** These stand for themselves after a backslash. */
const ESCAPABLE = '\\"[]-^';
/** Hexadecimal digits after a letter. */
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

export class Source {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** The next character, as a UTF-16 code unit; empty at the end. */
  get next(): string {
    return this.#text.charAt(this.#at);
  }

  get offset(): number {
    return this.#at;
  }

  /** Goes back to a former place. */
  return(offset: number): void {
    this.#at = offset;
  }

  startsWith(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  /** Reads `text` if it comes next. */
  skip(text: string): boolean {
    if (!this.startsWith(text)) return false;
    this.#at += text.length;
    return true;
  }

  /** Reads what a sticky pattern matches. */
  match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const matched = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += matched.length;
    return matched;
  }

  /** Reads spaces and comments, and the ends of lines if a rule goes on after them. */
  skipSpace(withNewlines: boolean): void {
    this.match(withNewlines ? /(?:[ \t\r\n]+|#[^\r\n]*)*/y : /(?:[ \t]+|#[^\r\n]*)*/y);
  }

  /**
   * Reads a character of a literal or a class. @returns its code point
   * @param opened the offset at which the literal or class begins
   */
  character(within: string, opened: number): number {
    const start = this.#at;
    if (this.isAtEnd) throw this.error(`${within} has no end`, opened);
    if (this.skip('\\')) return this.#escaped(start);
    const codePoint = this.#text.codePointAt(start) as number;
    this.#at += codePoint > 0xffff ? 2 : 1;
    return codePoint;
  }

  /** An error at `offset`, or at the present place. */
  error(message: string, offset = this.#at): ConstraintError {
    return errorAt(this.#text, offset, message);
  }

  #escaped(start: number): number {
    const letter = this.next;
    this.#at++;
    const escaped = ESCAPABLE.includes(letter) ? letter : ESCAPES[letter];
    if (escaped) return escaped.charCodeAt(0);
    const digits = HEX_DIGITS[letter];
    if (digits === undefined) throw this.error(`unknown escape \\${letter}`, start);
    const hex = this.#text.slice(this.#at, this.#at + digits);
    if (hex.length < digits || !/^[\da-f]*$/i.test(hex))
      throw this.error(`\\${letter} needs ${digits} hexadecimal digits`, start);
    this.#at += digits;
    const codePoint = Number.parseInt(hex, 16);
    if (codePoint > MAX_CODE_POINT) throw this.error(`\\${letter}${hex} is beyond Unicode`, start);
    return codePoint;
  }
}

/** An error that names line and column of an offset, both from 1. */
export function errorAt(text: string, offset: number, message: string): ConstraintError {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  const column = (lines.at(-1) as string).length + 1;
  return new ConstraintError(`the grammar's line ${lines.length}, column ${column}: ${message}`);
}
