/** @module Reads a regular expression character by character. */
import { excerpt, fail } from '../files/folder.ts';

/** Far more than the expression of any tokenizer: that of GPT-4o has 300 characters. */
const MAX_LENGTH = 20_000;
const MAX_DEPTH = 64;

export class PatternReader {
  readonly #pattern: string;
  readonly #location: string;
  #position = 0;
  #depth = 0;

  /**
   * @param location file and field, for errors
   * @throws CheckpointError if the pattern is too long
   */
  constructor(pattern: string, location: string) {
    this.#pattern = pattern;
    this.#location = location;
    if (pattern.length > MAX_LENGTH) {
      fail(location, `has a regular expression of ${pattern.length} characters, more than ${MAX_LENGTH}`);
    }
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#pattern.length;
  }

  /** The next UTF-16 code unit, '' at the end. */
  peek(): string {
    return this.#pattern.charAt(this.#position);
  }

  rest(length: number): string {
    return this.#pattern.slice(this.#position, this.#position + length);
  }

  next(): string {
    return this.#pattern.charAt(this.#position++);
  }

  /** @throws CheckpointError at the end */
  nextCodePoint(): number {
    const codePoint = this.#pattern.codePointAt(this.#position) ?? this.fail('ends too early');
    this.#position += codePoint > 0xffff ? 2 : 1;
    return codePoint;
  }

  /** Reads `text`, if it is next. */
  take(text: string): boolean {
    if (!this.#pattern.startsWith(text, this.#position)) return false;
    this.#position += text.length;
    return true;
  }

  /** Reads what a sticky expression matches, if anything. */
  match(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.#position;
    const match = sticky.exec(this.#pattern) ?? undefined;
    if (match) this.#position += match[0].length;
    return match;
  }

  /** @throws CheckpointError if there are too many levels */
  nested<Result>(read: () => Result): Result {
    this.#depth++;
    if (this.#depth > MAX_DEPTH) this.fail(`has more than ${MAX_DEPTH} levels`);
    const result = read();
    this.#depth--;
    return result;
  }

  /** @throws CheckpointError, always */
  fail(fault: string): never {
    fail(this.#location, `the regular expression ${excerpt(this.#pattern)} ${fault}`);
  }
}
