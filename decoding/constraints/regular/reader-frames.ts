/** @module The frames of a reader of texts: between characters, and inside one. */
import type { Frame } from '../automaton/frame.ts';
import type { CharNode } from './char-node.ts';

const QUOTE = 0x22;
/** A to Z and a to z. */
const LETTERS: readonly (readonly [low: number, high: number])[] = [
  [0x41, 0x5a],
  [0x61, 0x7a],
];

const NO_ALTERNATIVES: readonly (readonly Frame[])[] = [];
const DONE: readonly (readonly Frame[])[] = [[]];

/** What the frames of a text ask for. `TextReader` is one. */
interface Reader {
  readonly isJson: boolean;
  inside(state: number, min: number, max: number): Frame;
  within(node: CharNode, min: number, max: number): Frame;
  enter(state: number, min: number, max: number): readonly Frame[];
  accepts(state: number, min: number): boolean;
  distance(state: number, min: number, max: number): number;
  near(min: number, max: number, length: number): readonly [min: number, max: number];
}

/** Between characters. */
export class TextFrame implements Frame {
  readonly isDone: boolean;
  readonly #reader: Reader;
  readonly #state: number;
  readonly #root: CharNode;
  readonly #min: number;
  readonly #max: number;
  #bytes: readonly number[] | undefined;
  #distance: number | undefined;
  #treatsLettersAlike: boolean | undefined;

  constructor(reader: Reader, state: number, root: CharNode, min: number, max: number) {
    this.#reader = reader;
    this.#state = state;
    this.#root = root;
    this.#min = min;
    this.#max = max;
    this.isDone = !reader.isJson && reader.accepts(state, min);
  }

  get distance(): number {
    this.#distance ??= this.#reader.distance(this.#state, this.#min, this.#max);
    return this.#distance;
  }

  get bytes(): readonly number[] {
    if (!this.#bytes) {
      const { bytes } = this.#root;
      const ends = this.#reader.isJson && this.#reader.accepts(this.#state, this.#min);
      this.#bytes = ends ? [...bytes, QUOTE].sort((a, b) => a - b) : bytes;
    }
    return this.#bytes;
  }

  get treatsLettersAlike(): boolean {
    this.#treatsLettersAlike ??= this.#root.treatsAlike(LETTERS);
    return this.#treatsLettersAlike;
  }

  step(byte: number): readonly (readonly Frame[])[] {
    const reader = this.#reader;
    if (reader.isJson && byte === QUOTE)
      return reader.accepts(this.#state, this.#min) ? DONE : NO_ALTERNATIVES;
    return afterChild(reader, this.#root.after(byte), Math.max(this.#min - 1, 0), this.#max - 1);
  }

  within(length: number): Frame {
    if (this.#min === 0 && this.#max === Infinity) return this;
    const [min, max] = this.#reader.near(this.#min, this.#max, length);
    return min === this.#min && max === this.#max ? this : this.#reader.inside(this.#state, min, max);
  }
}

/** Inside a character. */
export class CharFrame implements Frame {
  readonly isDone = false;
  readonly #reader: Reader;
  readonly #node: CharNode;
  readonly #min: number;
  readonly #max: number;
  #distance: number | undefined;

  constructor(reader: Reader, node: CharNode, min: number, max: number) {
    this.#reader = reader;
    this.#node = node;
    this.#min = min;
    this.#max = max;
  }

  get distance(): number {
    this.#distance ??= this.#node.distance((state) => this.#reader.distance(state, this.#min, this.#max));
    return this.#distance;
  }

  get bytes(): readonly number[] {
    return this.#node.bytes;
  }

  step(byte: number): readonly (readonly Frame[])[] {
    return afterChild(this.#reader, this.#node.after(byte), this.#min, this.#max);
  }

  within(length: number): Frame {
    if (this.#min === 0 && this.#max === Infinity) return this;
    const [min, max] = this.#reader.near(this.#min, this.#max, length);
    return min === this.#min && max === this.#max ? this : this.#reader.within(this.#node, min, max);
  }
}

function afterChild(
  reader: Reader,
  child: CharNode | number | undefined,
  min: number,
  max: number,
): readonly (readonly Frame[])[] {
  if (child === undefined) return NO_ALTERNATIVES;
  return [typeof child === 'number' ? reader.enter(child, min, max) : [reader.within(child, min, max)]];
}
