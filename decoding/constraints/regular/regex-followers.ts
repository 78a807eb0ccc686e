/** @module The automata of look-arounds, which read the same text beside an expression's own. */
import type { CompileBudget } from '../automaton/errors.ts';
import { DEAD, NO_LABEL, targetOf } from './dfa.ts';
import type { Language } from './language.ts';

/** A set of automata with their states, which must all accept the rest of the text. By number; 0 is the empty set. */
export type Burden = number;

/** Steps of an automaton, which are slower here than elsewhere. */
const SLOWNESS = 4;

interface Follower {
  readonly language: Language;
  /** Its class for each class of the expression. */
  readonly classes: readonly number[];
}

export class Followers {
  readonly #budget: CompileBudget;
  readonly #automata: Follower[] = [];
  readonly #ids = new Map<Language, number>();
  /** Lists of `automaton, state`, ascending. */
  readonly #burdens: (readonly number[])[] = [[]];
  readonly #burdenIds = new Map<string, Burden>([['', 0]]);

  /** @param examples a code point of each class */
  constructor(languages: readonly Language[], examples: readonly number[], budget: CompileBudget) {
    this.#budget = budget;
    for (const language of languages) {
      if (this.#ids.has(language)) continue;
      budget.spendSteps(examples.length);
      const classes = examples.map((codePoint) => language.dfa.alphabet.classOf(codePoint));
      this.#ids.set(language, this.#automata.push({ language, classes }) - 1);
    }
  }

  /** The state of a language's automaton after a class. */
  step(language: Language, state: number, symbol: number): number {
    return this.#step(this.#ids.get(language) as number, state, symbol);
  }

  /** Takes a burden one character further. @returns `DEAD` if the text can no longer be accepted */
  carry(burden: Burden, symbol: number): Burden {
    if (burden === 0) return 0;
    const list = this.#burdens[burden] as readonly number[];
    const next: number[] = [];
    this.#budget.spendSteps(SLOWNESS * list.length);
    for (let i = 0; i < list.length; i += 2) {
      const automaton = list[i] as number;
      const target = this.#step(automaton, list[i + 1] as number, symbol);
      if (target === DEAD) return DEAD;
      if (!this.#isUniversal(automaton, target)) next.push(automaton, target);
    }
    return this.#idOf(next);
  }

  /** Adds a language that the rest of the text must have. @returns `DEAD` if it has none */
  with(burden: Burden, language: Language): Burden {
    if (language.isEmpty) return DEAD;
    const automaton = this.#ids.get(language) as number;
    if (this.#isUniversal(automaton, 0)) return burden;
    return this.#idOf([...(this.#burdens[burden] as readonly number[]), automaton, 0]);
  }

  /** Whether the text may end. */
  accepts(burden: Burden): boolean {
    const list = this.#burdens[burden] as readonly number[];
    for (let i = 0; i < list.length; i += 2) {
      const { labels } = this.#dfaOf(list[i] as number);
      if (labels[list[i + 1] as number] === NO_LABEL) return false;
    }
    return true;
  }

  #dfaOf(automaton: number): Language['dfa'] {
    return (this.#automata[automaton] as { language: Language }).language.dfa;
  }

  #step(automaton: number, state: number, symbol: number): number {
    if (state === DEAD) return DEAD;
    const { language, classes } = this.#automata[automaton] as Follower;
    return targetOf(language.dfa, state, classes[symbol] as number);
  }

  #isUniversal(automaton: number, state: number): boolean {
    const { labels, fallback, offsets } = this.#dfaOf(automaton);
    return labels[state] !== NO_LABEL && fallback[state] === state && offsets[state] === offsets[state + 1];
  }

  /** @param list in any order, some perhaps twice */
  #idOf(list: readonly number[]): Burden {
    const states = new Map<number, Set<number>>();
    for (let i = 0; i < list.length; i += 2) {
      const automaton = list[i] as number;
      const there = states.get(automaton) ?? new Set();
      states.set(automaton, there.add(list[i + 1] as number));
    }
    const sorted = [...states]
      .sort((a, b) => a[0] - b[0])
      .flatMap(([automaton, of]) => [...of].sort((a, b) => a - b).flatMap((state) => [automaton, state]));
    const key = sorted.join();
    let id = this.#burdenIds.get(key);
    if (id === undefined) {
      id = this.#burdens.push(sorted) - 1;
      this.#burdenIds.set(key, id);
    }
    return id;
  }
}
