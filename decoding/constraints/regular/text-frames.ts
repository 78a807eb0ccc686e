/** @module Frames that read the texts of languages: as raw UTF-8, as JSON strings, and as the keys of JSON objects. */
import type { Frame } from '../automaton/automaton.ts';
import { CompileBudget } from '../automaton/errors.ts';
import type { CodePoints } from './code-points.ts';
import { type Dfa, NO_LABEL } from './dfa.ts';
import { Language } from './language.ts';
import { minimize } from './minimize.ts';
import { product } from './product.ts';
import { QUOTE, TextReader } from './text-reader.ts';
import { trieOf } from './trie.ts';

/** Numbers of code points of a text. `max` may be Infinity. */
export interface LengthBounds {
  readonly min?: number;
  readonly max?: number;
}

/** Keys that are read, and what follows the quote at their end. */
export type KeyClass = {
  /** In the order in which they read. */
  readonly next: readonly Frame[];
} & ({ readonly text: string } | { readonly language: Language });

/** The readers of raw texts and of JSON strings, one for each language that is in use. */
class Readers {
  readonly #isJson: boolean;
  readonly #all: TextReader;
  readonly #readers = new WeakMap<Language, TextReader>();

  constructor(isJson: boolean) {
    this.#isJson = isJson;
    this.#all = new TextReader(Language.all.dfa, isJson);
  }

  get(language: Language): TextReader {
    if (language === Language.all) return this.#all;
    let reader = this.#readers.get(language);
    if (!reader) {
      reader = new TextReader(language.dfa, this.#isJson, { universal: this.#all });
      this.#readers.set(language, reader);
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
  const inside = reader.start(min, max);
  return quoted(inside);
}

/**
 * Reads a JSON string with its quotes, which belongs to one of the classes, and goes on with what follows there.
 * @param classes a key that belongs to several takes the first text, else the first language. Thousands of texts are
 *   fast, thousands of languages are not
 * @returns undefined if no class has a text
 * @throws ConstraintError beyond the budget, or if a text has a lone surrogate
 */
export function keyFrame(classes: readonly KeyClass[], budget: CompileBudget): Frame | undefined {
  const texts = classes.flatMap((keys, label) => ('text' in keys ? [[keys.text, label] as const] : []));
  const labels: number[] = [];
  const dfas: Dfa[] = [];
  classes.forEach((keys, label) => {
    if (!('language' in keys)) return;
    labels.push(label);
    dfas.push(keys.language.dfa);
  });
  const joint = product(
    [trieOf(texts, budget), ...dfas],
    {
      isLive: ({ length }) => length > 0,
      labelOf: (states, labelOf) => {
        for (let i = 0; i < states.length; i += 2) {
          const of = states[i] as number;
          const label = labelOf(of);
          if (label !== NO_LABEL) return of === 0 ? label : (labels[of - 1] as number);
        }
        return NO_LABEL;
      },
    },
    budget,
  );
  const dfa = minimize(joint, budget);
  budget.spendStates(dfa.labels.length);
  if (dfa.labels.length === 0) return undefined;
  const reader = new TextReader(dfa, true, { next: (label) => (classes[label] as KeyClass).next });
  return quoted(reader.start());
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
