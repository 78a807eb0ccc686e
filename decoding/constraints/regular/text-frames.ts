/** @module Frames that read the texts of languages: as raw UTF-8, and as JSON strings. */

import { CompileBudget } from '../automaton/errors.ts';
import type { Frame } from '../automaton/frame.ts';
import type { CodePoints } from './code-points.ts';
import { Language } from './language.ts';
import { TextReader } from './text-reader.ts';

const QUOTE = 0x22;

/** Numbers of code points of a text. `max` may be Infinity. */
export interface LengthBounds {
  readonly min?: number;
  readonly max?: number;
}

/** Readers that are kept, by their number and by the numbers that they keep. */
const MAX_READERS = 64;
const MAX_WEIGHT = 200_000;

/**
 * The readers of raw texts or of JSON strings, one for each of the languages that were used last: equal constraints
 * have the same frames, and share what is known of them.
 */
class Readers {
  readonly #isJson: boolean;
  readonly #all: TextReader;
  /** The first was used longest ago. */
  readonly #readers = new Map<Language, TextReader>();

  constructor(isJson: boolean) {
    this.#isJson = isJson;
    this.#all = new TextReader(Language.all.dfa, isJson);
  }

  get(language: Language): TextReader {
    if (language === Language.all) return this.#all;
    const reader = this.#readers.get(language) ?? new TextReader(language.dfa, this.#isJson, this.#all);
    this.#readers.delete(language);
    this.#readers.set(language, reader);
    let weight = 0;
    for (const each of this.#readers.values()) weight += each.weight;
    for (const [oldest, { weight: own }] of this.#readers) {
      if (weight <= MAX_WEIGHT && this.#readers.size <= MAX_READERS) break;
      this.#readers.delete(oldest);
      weight -= own;
    }
    return reader;
  }
}

const rawReaders = new Readers(false);
const jsonReaders = new Readers(true);

/**
 * Reads the texts of a language as raw UTF-8. It may be done wherever the language accepts.
 * @returns undefined if the language is empty
 */
export function utf8Frame(language: Language): Frame | undefined {
  return language.isEmpty ? undefined : rawReaders.get(language).start();
}

/** Reads one code point of a set as raw UTF-8. @returns undefined if the set has no text */
export function codePointFrame(set: CodePoints, budget = new CompileBudget()): Frame | undefined {
  return utf8Frame(Language.ofCodePoints(set, budget));
}

/**
 * Reads a JSON string with its quotes, whose value is a text of the language. Every character may be written raw, in
 * its short escape, or as `\uXXXX` with hexadecimal digits of either case. Lone surrogates cannot be written.
 * @returns undefined if no text has such a length
 * @throws ConstraintError beyond the budget
 */
export function jsonStringFrame(
  language: Language,
  { min = 0, max = Infinity }: LengthBounds = {},
  budget = new CompileBudget(),
): Frame | undefined {
  const reader = jsonReaders.get(language);
  if (!reader.prepare(min, max, budget)) return undefined;
  return quoted(reader.start(min, max));
}

const opened = new WeakMap<Frame, Frame>();

/** The frame with a quote before it, the same object for the same frame. */
function quoted(inside: Frame): Frame {
  let frame = opened.get(inside);
  if (!frame) {
    frame = new QuoteFrame(inside);
    opened.set(inside, frame);
  }
  return frame;
}

class QuoteFrame implements Frame {
  readonly isDone = false;
  readonly bytes = [QUOTE];
  readonly #inside: Frame;

  constructor(inside: Frame) {
    this.#inside = inside;
  }

  get distance(): number {
    return 1 + this.#inside.distance;
  }

  step(byte: number): readonly (readonly Frame[])[] {
    return byte === QUOTE ? [[this.#inside]] : [];
  }

  within(length: number): Frame {
    return quoted(this.#inside.within?.(length) ?? this.#inside);
  }
}
