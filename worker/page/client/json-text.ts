/**
 * @module Splits a JSON text into the parts that the page colours, also while the text is still growing. The kind of a
 * part never changes when more text follows.
 */

export type JsonKind = 'key' | 'string' | 'number' | 'literal' | 'punctuation';

export interface JsonPart {
  readonly text: string;
  /** null: white space, or text after the end of the JSON text. */
  readonly kind: JsonKind | null;
}

/** What may come next: `end` is a closing bracket, of the innermost object or array. */
type Expected = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing';

const SPACE = /[ \t\n\r]+/y;
/** A string without its closing quote, up to an incomplete escape sequence. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON's strings contain no control characters
const OPEN_STRING = /"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[\da-fA-F]{4})*/y;
const OPEN_ESCAPE = /\\(?:u[\da-fA-F]{0,3})?$/y;
const NUMERIC = /[-+.\deE]+/y;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const OPEN_NUMBER = /^-?(?:(?:0|[1-9]\d*)(?:\.(?:\d*$|\d+))?(?:[eE][+-]?\d*)?)?$/;
const WORD = /[a-z]+/y;
const LITERALS = ['true', 'false', 'null'];

/**
 * The parts of a text that is JSON so far; null if it is not, whatever may follow. Concatenated, they are the text.
 * @param anyValue whether the text may also be a string, a number or a literal: prose may begin like one
 */
export function jsonParts(text: string, anyValue = false): JsonPart[] | null {
  if (!anyValue && !/^[ \t\n\r]*[{[]/.test(text)) return null;
  return new Scanner(text).parts();
}

class Scanner {
  readonly #text: string;
  readonly #parts: JsonPart[] = [];
  /** Whether each open bracket is an object's. */
  readonly #isObject: boolean[] = [];
  #expected: Expected = 'value';
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parts(): JsonPart[] | null {
    for (;;) {
      this.#take(null, this.#match(SPACE));
      const character = this.#text[this.#position];
      if (character === undefined) return this.#parts;
      if (this.#expected === 'nothing') {
        this.#take(null, this.#text.slice(this.#position));
        return this.#parts;
      }
      if (!this.#next(character)) return null;
    }
  }

  /** @returns whether the next part can stand here */
  #next(character: string): boolean {
    const expected = this.#expected;
    const expectsValue = expected === 'value' || expected === 'value or end';
    if (character === '"') {
      if (expectsValue) return this.#string('string');
      return (expected === 'key' || expected === 'key or end') && this.#string('key');
    }
    if (character === ':') return expected === 'colon' && this.#punctuation(character, 'value');
    if (character === ',') {
      const next = this.#isObject.at(-1) ? 'key' : 'value';
      return expected === 'comma or end' && this.#punctuation(character, next);
    }
    if (character === '}' || character === ']') return expected.endsWith(' end') && this.#close(character);
    if (!expectsValue) return false;
    if (character === '{' || character === '[') return this.#open(character);
    return this.#number() || this.#literal();
  }

  #open(character: '{' | '['): boolean {
    this.#isObject.push(character === '{');
    return this.#punctuation(character, character === '{' ? 'key or end' : 'value or end');
  }

  #close(character: '}' | ']'): boolean {
    if (this.#isObject.pop() !== (character === '}')) return false;
    return this.#punctuation(character, this.#afterValue);
  }

  get #afterValue(): Expected {
    return this.#isObject.length > 0 ? 'comma or end' : 'nothing';
  }

  #punctuation(character: string, expected: Expected): boolean {
    this.#take('punctuation', character);
    this.#expected = expected;
    return true;
  }

  #string(kind: 'key' | 'string'): boolean {
    const start = this.#position;
    this.#position += this.#match(OPEN_STRING).length;
    if (this.#text[this.#position] === '"') this.#position++;
    else this.#position += this.#match(OPEN_ESCAPE).length;
    const isWhole = this.#position - start > 1 && this.#text[this.#position - 1] === '"';
    if (!isWhole && this.#position < this.#text.length) return false;
    const string = this.#text.slice(start, this.#position);
    this.#position = start;
    this.#take(kind, string);
    this.#expected = kind === 'key' ? 'colon' : this.#afterValue;
    return true;
  }

  #number(): boolean {
    const number = this.#match(NUMERIC);
    return (
      number !== '' &&
      this.#scalar('number', number, (this.#isLast(number) ? OPEN_NUMBER : NUMBER).test(number))
    );
  }

  #literal(): boolean {
    const word = this.#match(WORD);
    const isLast = this.#isLast(word);
    const isLiteral = LITERALS.some((literal) => (isLast ? literal.startsWith(word) : literal === word));
    return word !== '' && this.#scalar('literal', word, isLiteral);
  }

  #scalar(kind: JsonKind, text: string, isValid: boolean): boolean {
    if (!isValid) return false;
    this.#take(kind, text);
    this.#expected = this.#afterValue;
    return true;
  }

  #isLast(text: string): boolean {
    return this.#position + text.length === this.#text.length;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#position;
    return pattern.exec(this.#text)?.[0] ?? '';
  }

  #take(kind: JsonKind | null, text: string): void {
    this.#position += text.length;
    if (text !== '') this.#parts.push({ text, kind });
  }
}

/** Cuts parts at the ends of `texts`, which have the same text as the parts. */
export function cutAt(parts: readonly JsonPart[], texts: readonly string[]): JsonPart[][] {
  let index = 0;
  let offset = 0;
  return texts.map((text) => {
    const cut: JsonPart[] = [];
    for (let length = text.length; length > 0; ) {
      const part = parts[index];
      if (!part) break;
      const piece = part.text.slice(offset, offset + length);
      cut.push({ text: piece, kind: part.kind });
      length -= piece.length;
      offset += piece.length;
      if (offset === part.text.length) {
        index++;
        offset = 0;
      }
    }
    return cut;
  });
}
