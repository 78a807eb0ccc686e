/** @module One of several texts, as frames of an automaton. */

import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import type { Frame, Reading } from '../automaton/frame.ts';

/** Bytes that take about the time of a step. */
const BYTES_PER_STEP = 16;
const DONE: readonly Reading[] = [[]];
const NONE: readonly Reading[] = [];

/**
 * @param choices the texts exactly as they are; equal ones are one
 * @returns the frames that read one of them
 * @throws ConstraintError if there are none, if one is empty or has half of a surrogate pair, or beyond a bound
 */
export function compileChoice(choices: readonly string[], budget: CompileBudget): Frame[] {
  if (choices.length === 0) throw new ConstraintError('a choice needs at least one text');
  budget.spendSteps(choices.length);
  choices.forEach((text, i) => {
    if (text === '') throw new ConstraintError(`choice ${i} is empty`, `/${i}`);
    if (!text.isWellFormed())
      throw new ConstraintError(`choice ${i} has half of a surrogate pair, which is no character`, `/${i}`);
  });
  const texts = new SortedTexts(choices);
  budget.spendSteps(Math.ceil(texts.bytes.length / BYTES_PER_STEP));
  return [new ChoiceFrame(texts, 0, texts.count, 0)];
}

/** The bytes of different texts, in the order of their bytes. */
class SortedTexts {
  readonly count: number;
  readonly bytes: Uint8Array;
  /** `[count + 1]` */
  readonly #offsets: Uint32Array;

  constructor(choices: readonly string[]) {
    const texts = [...new Set(choices)].sort(compareCodePoints);
    this.count = texts.length;
    this.bytes = new TextEncoder().encode(texts.join(''));
    this.#offsets = new Uint32Array(texts.length + 1);
    texts.forEach((text, i) => {
      this.#offsets[i + 1] = (this.#offsets[i] as number) + utf8Length(text);
    });
  }

  lengthOf(text: number): number {
    return (this.#offsets[text + 1] as number) - (this.#offsets[text] as number);
  }

  /** -1 after the text's end, which comes before all bytes. */
  byteAt(text: number, index: number): number {
    if (index >= this.lengthOf(text)) return -1;
    return this.bytes[(this.#offsets[text] as number) + index] as number;
  }

  /** The first of the texts from `from` up to `to`, which have their first `depth` bytes in common, with at least `byte` next. */
  firstWith(byte: number, from: number, to: number, depth: number): number {
    let [low, high] = [from, to];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.byteAt(middle, depth) >= byte) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** What is left of the texts from `from` up to `to` after their first `depth` bytes, which are the same. */
class ChoiceFrame implements Frame {
  readonly isDone: boolean;
  readonly distance: number;
  readonly #texts: SortedTexts;
  readonly #from: number;
  readonly #to: number;
  readonly #depth: number;
  #bytes: readonly number[] | undefined;
  readonly #next = new Map<number, readonly Reading[]>();

  /** @param shortest the least length of the texts, if it is known */
  constructor(texts: SortedTexts, from: number, to: number, depth: number, shortest?: number) {
    this.#texts = texts;
    this.#from = from;
    this.#to = to;
    this.#depth = depth;
    this.isDone = texts.lengthOf(from) === depth;
    this.distance = this.isDone ? 0 : (shortest ?? this.#shortest()) - depth;
  }

  get bytes(): readonly number[] {
    this.#bytes ??= [...this.#firstBytes()];
    return this.#bytes;
  }

  step(byte: number): readonly Reading[] {
    let readings = this.#next.get(byte);
    if (!readings) {
      readings = this.#read(byte);
      this.#next.set(byte, readings);
    }
    return readings;
  }

  #read(byte: number): readonly Reading[] {
    const from = this.#texts.firstWith(byte, this.#from, this.#to, this.#depth);
    const to = this.#texts.firstWith(byte + 1, from, this.#to, this.#depth);
    if (from === to) return NONE;
    const depth = this.#depth + 1;
    if (to === from + 1 && this.#texts.lengthOf(from) === depth) return DONE;
    const isAll = to - from === this.#to - this.#from;
    const shortest = isAll ? this.distance + this.#depth : undefined;
    return [[new ChoiceFrame(this.#texts, from, to, depth, shortest)]];
  }

  *#firstBytes(): Iterable<number> {
    for (let text = this.#from + Number(this.isDone); text < this.#to; ) {
      const byte = this.#texts.byteAt(text, this.#depth);
      yield byte;
      text = this.#texts.firstWith(byte + 1, text, this.#to, this.#depth);
    }
  }

  #shortest(): number {
    let shortest = Infinity;
    for (let text = this.#from; text < this.#to; text++) {
      shortest = Math.min(shortest, this.#texts.lengthOf(text));
    }
    return shortest;
  }
}

/** The order of code points, which is that of UTF-8. UTF-16 has surrogates before some other characters. */
function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [unitA, unitB] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (unitA !== unitB) return order(unitA) - order(unitB);
  }
  return a.length - b.length;
}

/** Moves surrogates behind all other code units. */
function order(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Each half of a surrogate pair has half of its four bytes.
    if (unit < 0x80) length += 1;
    else if (unit < 0x800 || (unit >= 0xd800 && unit < 0xe000)) length += 2;
    else length += 3;
  }
  return length;
}
