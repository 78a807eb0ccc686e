/** @module Two automata that read the same text at once. */
import type { CompileBudget } from '../automaton/errors.ts';
import { Alphabet } from './alphabet.ts';
import { ACCEPTED, checkStates, DEAD, type Dfa, DfaBuilder, NO_LABEL, targetOf } from './dfa.ts';

export interface Combination {
  /** Whether the text may go on, by whether each of the automata can still accept. */
  isLive(first: boolean, second: boolean): boolean;
  /** Whether the text may end, by whether it may for each of the automata. */
  accepts(first: boolean, second: boolean): boolean;
}

/** @throws ConstraintError beyond the budget */
export function product(first: Dfa, second: Dfa, combination: Combination, budget: CompileBudget): Dfa {
  return new Product(first, second, combination, budget).dfa;
}

/** A state is a pair of states, either of which may be `DEAD`. */
class Product {
  readonly dfa: Dfa;
  readonly #first: Dfa;
  readonly #second: Dfa;
  readonly #combination: Combination;
  readonly #budget: CompileBudget;
  /** For each common class: the class of each automaton that it is a part of. */
  readonly #ofFirst: readonly number[];
  readonly #ofSecond: readonly number[];
  /** The ids of pairs, by `(first + 1) · (states of the second + 1) + second + 1`. */
  readonly #ids = new Map<number, number>();
  readonly #pairs: [first: number, second: number][] = [];

  constructor(first: Dfa, second: Dfa, combination: Combination, budget: CompileBudget) {
    this.#first = first;
    this.#second = second;
    this.#combination = combination;
    this.#budget = budget;
    const { alphabet, parts } = Alphabet.common([first.alphabet, second.alphabet], budget);
    [this.#ofFirst = [], this.#ofSecond = []] = parts;
    const wholes = [
      wholesOf(this.#ofFirst, first.alphabet),
      wholesOf(this.#ofSecond, second.alphabet),
    ] as const;
    const builder = new DfaBuilder();
    this.#idOf(first.labels.length > 0 ? 0 : DEAD, second.labels.length > 0 ? 0 : DEAD);
    /** The state in whose turn a class was last listed. */
    const listed = new Int32Array(alphabet.size).fill(DEAD);
    const symbols: number[] = [];
    for (let id = 0; id < this.#pairs.length; id++) {
      const [a, b] = this.#pairs[id] as [number, number];
      symbols.length = 0;
      list(first, a, wholes[0], id, listed, symbols);
      list(second, b, wholes[1], id, listed, symbols);
      budget.spendSteps(2 + 2 * symbols.length);
      const fallback = this.#step(a, b, 0);
      const targets = symbols.sort((x, y) => x - y).map((symbol) => this.#step(a, b, symbol));
      const accepts = combination.accepts(isAccepted(first, a), isAccepted(second, b));
      builder.addRow(accepts ? ACCEPTED : NO_LABEL, fallback, symbols, targets);
    }
    this.dfa = builder.build(alphabet);
  }

  #step(a: number, b: number, symbol: number): number {
    return this.#idOf(
      a === DEAD ? DEAD : targetOf(this.#first, a, this.#ofFirst[symbol] as number),
      b === DEAD ? DEAD : targetOf(this.#second, b, this.#ofSecond[symbol] as number),
    );
  }

  /** @returns `DEAD` for a pair from which no text goes on */
  #idOf(a: number, b: number): number {
    if (!this.#combination.isLive(a !== DEAD, b !== DEAD)) return DEAD;
    const key = (a + 1) * (this.#second.labels.length + 1) + b + 1;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#pairs.push([a, b]) - 1;
      this.#ids.set(key, id);
      checkStates(this.#pairs.length, this.#budget);
    }
    return id;
  }
}

/** For each class of an automaton, the common classes that are parts of it. */
function wholesOf(part: readonly number[], { size }: Alphabet): number[][] {
  const lists: number[][] = Array.from({ length: size }, () => []);
  part.forEach((own, common) => {
    lists[own]?.push(common);
  });
  return lists;
}

/** Lists the common classes that a state of one of the automata has an own target for, each once. */
function list(
  dfa: Dfa,
  state: number,
  wholes: readonly (readonly number[])[],
  id: number,
  listed: Int32Array,
  symbols: number[],
): void {
  if (state === DEAD) return;
  for (let at = dfa.offsets[state] as number; at < (dfa.offsets[state + 1] as number); at++) {
    for (const symbol of wholes[dfa.symbols[at] as number] as readonly number[]) {
      if (listed[symbol] === id) continue;
      listed[symbol] = id;
      symbols.push(symbol);
    }
  }
}

function isAccepted({ labels }: Dfa, state: number): boolean {
  return state !== DEAD && labels[state] !== NO_LABEL;
}
