/** @module Regular languages over code points: sets of texts, with the operations of sets. */
import { CompileBudget } from '../automaton/errors.ts';
import { Alphabet } from './alphabet.ts';
import { ANY, type CodePoints, isSurrogate, pairs } from './code-points.ts';
import { ACCEPTED, DEAD, type Dfa, DfaBuilder, explore, NO_LABEL, targetOf, targetsOf } from './dfa.ts';
import { areEqual, InternTable } from './intern.ts';
import { canonical, minimize } from './minimize.ts';
import { type Combination, product } from './product.ts';
import { trieOf } from './trie.ts';

/** What a combination takes, however small it is. */
const STEPS_OF_COMBINATION = 200;

/**
 * An immutable set of texts. A text is a string without lone surrogates. Languages that were made not too long ago are
 * the same object if they are equal; `equals` tells in any case.
 */
export class Language {
  /** Minimal, and in the form that equal languages share. */
  readonly dfa: Dfa;

  private constructor(dfa: Dfa) {
    this.dfa = dfa;
  }

  /** @throws ConstraintError beyond the budget's limits, like everything here that takes a budget */
  static of(dfa: Dfa, budget: CompileBudget): Language {
    return Language.#of(minimize(dfa, budget), budget);
  }

  /** @param dfa is minimal: from all of its states the text can end, and no two of them are equal */
  static ofLeast(dfa: Dfa, budget: CompileBudget): Language {
    return Language.#of(canonical(dfa, Int32Array.from(dfa.labels.keys()), budget), budget);
  }

  static #of(least: Dfa, budget: CompileBudget): Language {
    budget.spendStates(least.labels.length);
    if (least.labels.length <= 1) {
      const known = [Language.none, Language.all, Language.empty].find(
        (language) => language && areEqual(language.dfa, least),
      );
      if (known) return known;
    }
    return Language.#interned.get(least, () => new Language(least));
  }

  static readonly #interned = new InternTable<Language>(200_000);

  /** No text. */
  static readonly none: Language = Language.ofCodePoints([]);
  /** All texts. */
  static readonly all: Language = Language.none.not(new CompileBudget());
  /** The empty text alone. */
  static readonly empty: Language = Language.ofStrings([''], new CompileBudget());

  /** The texts that are one code point of a set. */
  static ofCodePoints(set: CodePoints, budget = new CompileBudget()): Language {
    const { alphabet, members } = Alphabet.ofSets([set], budget);
    const [symbols = []] = members;
    const builder = new DfaBuilder();
    const fallback = symbols.includes(0) ? 1 : DEAD;
    builder.add(
      NO_LABEL,
      fallback,
      Array.from({ length: alphabet.size }, (_, symbol) => [symbol, symbols.includes(symbol) ? 1 : DEAD]),
    );
    builder.add(ACCEPTED, DEAD, []);
    return Language.of(builder.build(alphabet), budget);
  }

  /** @throws ConstraintError also if a string has a lone surrogate */
  static ofStrings(strings: Iterable<string>, budget: CompileBudget): Language {
    return Language.of(trieOf(strings, budget), budget);
  }

  /** The texts with at least `min` and at most `max` code points. */
  static ofLength(min: number, max: number, budget: CompileBudget): Language {
    const last = Number.isFinite(max) ? max : min;
    const { alphabet } = Alphabet.ofSets([ANY], budget);
    const dfa = explore<number>(
      alphabet,
      min <= max ? 0 : undefined,
      (count) => count,
      (count) => ({
        label: count >= min ? ACCEPTED : NO_LABEL,
        fallback: count < last ? count + 1 : Number.isFinite(max) ? undefined : count,
        exceptions: [],
      }),
      budget,
    );
    return Language.of(dfa, budget);
  }

  and(other: Language, budget: CompileBudget): Language {
    if (this === other || other === Language.all) return this;
    if (this === Language.all) return other;
    return this.#combine(other, budget, {
      isLive: (own, others) => own && others,
      accepts: (own, others) => own && others,
    });
  }

  or(other: Language, budget: CompileBudget): Language {
    if (this === other || other.isEmpty) return this;
    if (this.isEmpty) return other;
    return this.#combine(other, budget, {
      isLive: (own, others) => own || others,
      accepts: (own, others) => own || others,
    });
  }

  minus(other: Language, budget: CompileBudget): Language {
    if (other.isEmpty) return this;
    return this.#combine(other, budget, {
      isLive: (own) => own,
      accepts: (own, others) => own && !others,
    });
  }

  /** All texts but these. */
  not(budget: CompileBudget): Language {
    const { dfa } = this;
    const builder = new DfaBuilder();
    const all = dfa.labels.length;
    const orAll = (target: number) => (target === DEAD ? all : target);
    for (let state = 0; state < all; state++) {
      const row: [number, number][] = [];
      for (let i = dfa.offsets[state] as number; i < (dfa.offsets[state + 1] as number); i++) {
        row.push([dfa.symbols[i] as number, orAll(dfa.targets[i] as number)]);
      }
      const label = dfa.labels[state] === NO_LABEL ? ACCEPTED : NO_LABEL;
      builder.add(label, orAll(dfa.fallback[state] as number), row);
    }
    builder.add(ACCEPTED, all, []);
    return Language.of(builder.build(dfa.alphabet), budget);
  }

  /** Those of the texts that have at least `min` and at most `max` code points. */
  withLength(min: number, max: number, budget: CompileBudget): Language {
    if (min <= 0 && max === Infinity) return this;
    const { shortest, longest } = this;
    if (shortest >= min && longest <= max) return this;
    if (longest < min || shortest > max) return Language.none;
    return this.and(Language.ofLength(min, max, budget), budget);
  }

  get isEmpty(): boolean {
    return this.dfa.labels.length === 0;
  }

  get isAll(): boolean {
    const { labels, fallback, symbols } = this.dfa;
    return labels.length === 1 && labels[0] === ACCEPTED && fallback[0] === 0 && symbols.length === 0;
  }

  equals(other: Language): boolean {
    return this === other || areEqual(this.dfa, other.dfa);
  }

  /** False also for strings with lone surrogates. */
  has(text: string): boolean {
    const { dfa } = this;
    let state = this.isEmpty ? DEAD : 0;
    for (const character of text) {
      const codePoint = character.codePointAt(0) as number;
      if (state === DEAD || isSurrogate(codePoint)) return false;
      state = targetOf(dfa, state, dfa.alphabet.classOf(codePoint));
    }
    return state !== DEAD && dfa.labels[state] !== NO_LABEL;
  }

  /** Whether it has finitely many texts. */
  get isFinite(): boolean {
    return this.longest !== Infinity;
  }

  /** Code points of the shortest text; Infinity if there is none. */
  get shortest(): number {
    const { labels } = this.dfa;
    let level = this.isEmpty ? [] : [0];
    const seen = new Set(level);
    for (let length = 0; level.length > 0; length++) {
      if (level.some((state) => labels[state] !== NO_LABEL)) return length;
      const next: number[] = [];
      for (const target of level.flatMap((state) => targetsOf(this.dfa, state))) {
        if (seen.has(target)) continue;
        seen.add(target);
        next.push(target);
      }
      level = next;
    }
    return Infinity;
  }

  /** Code points of the longest text; Infinity if there is none that is longest, -Infinity if there is no text. */
  get longest(): number {
    if (this.isEmpty) return -Infinity;
    const count = this.dfa.labels.length;
    const incoming = new Int32Array(count);
    for (let state = 0; state < count; state++) {
      for (const target of targetsOf(this.dfa, state)) incoming[target] = (incoming[target] as number) + 1;
    }
    if (incoming[0] !== 0) return Infinity;
    const lengths = new Int32Array(count);
    const queue = [0];
    // States are taken once all that lead to them are. Those of a cycle never are.
    for (const state of queue) {
      for (const target of targetsOf(this.dfa, state)) {
        lengths[target] = Math.max(lengths[target] as number, (lengths[state] as number) + 1);
        incoming[target] = (incoming[target] as number) - 1;
        if (incoming[target] === 0) queue.push(target);
      }
    }
    return queue.length === count ? lengths.reduce((a, b) => Math.max(a, b), 0) : Infinity;
  }

  /** All texts, sorted; undefined if there are more than `max`. */
  strings(max: number): string[] | undefined {
    if (!this.isFinite) return this.isEmpty ? [] : undefined;
    const { dfa } = this;
    const found: string[] = [];
    // From every state a text can end, so that the search is as long as what it finds.
    const stack: [state: number, text: string][] = [[0, '']];
    for (let entry = stack.pop(); entry; entry = stack.pop()) {
      const [state, text] = entry;
      if (dfa.labels[state] !== NO_LABEL && found.push(text) > max) return undefined;
      for (let symbol = 0; symbol < dfa.alphabet.size; symbol++) {
        const target = targetOf(dfa, state, symbol);
        if (target === DEAD) continue;
        for (const [low, high] of pairs(dfa.alphabet.sets[symbol] as CodePoints)) {
          if (high - low >= max) return undefined;
          for (let codePoint = low; codePoint <= high; codePoint++) {
            stack.push([target, text + String.fromCodePoint(codePoint)]);
          }
        }
      }
    }
    return found.sort();
  }

  #combine(other: Language, budget: CompileBudget, combination: Combination): Language {
    budget.spendSteps(STEPS_OF_COMBINATION);
    return Language.of(product(this.dfa, other.dfa, combination, budget), budget);
  }
}
