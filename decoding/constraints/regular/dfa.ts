/** @module Deterministic automata over the classes of an alphabet. */
import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import type { Alphabet } from './alphabet.ts';

/** No state: nothing may follow. */
export const DEAD = -1;
/** The label of a state where the text may end. */
export const ACCEPTED = 0;
/** The label of a state where the text may not end. */
export const NO_LABEL = -1;

/**
 * The target of most classes at a state is that of class 0, and the others are listed: a state of a thousand names, or
 * of everything but a thousand names, has few entries. State 0 is the start; without states, nothing is accepted.
 */
export interface Dfa {
  readonly alphabet: Alphabet;
  /** `[states]` */
  readonly labels: Int32Array;
  /** `[states]`: the target of class 0, and of every class that is not listed. */
  readonly fallback: Int32Array;
  /** `[states + 1]`: state i's exceptions are those from `offsets[i]` up to `offsets[i + 1]`. */
  readonly offsets: Int32Array;
  /** The classes of the exceptions, ascending in each state, never 0. */
  readonly symbols: Int32Array;
  /** Their targets, which differ from `fallback`. */
  readonly targets: Int32Array;
}

/** @returns the state after a class */
export function targetOf(dfa: Dfa, state: number, symbol: number): number {
  let low = dfa.offsets[state] as number;
  const end = dfa.offsets[state + 1] as number;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((dfa.symbols[middle] as number) < symbol) low = middle + 1;
    else high = middle;
  }
  return low < end && dfa.symbols[low] === symbol
    ? (dfa.targets[low] as number)
    : (dfa.fallback[state] as number);
}

/** @returns the targets of a state: each as often as it is written down, `DEAD` left out */
export function targetsOf({ fallback, offsets, targets }: Dfa, state: number): number[] {
  const all: number[] = [];
  if (fallback[state] !== DEAD) all.push(fallback[state] as number);
  for (let i = offsets[state] as number; i < (offsets[state + 1] as number); i++) {
    if (targets[i] !== DEAD) all.push(targets[i] as number);
  }
  return all;
}

/** Takes the rows of states in their order. */
export class DfaBuilder {
  readonly #labels: number[] = [];
  readonly #fallback: number[] = [];
  readonly #offsets: number[] = [0];
  readonly #symbols: number[] = [];
  readonly #targets: number[] = [];

  get length(): number {
    return this.#labels.length;
  }

  /** @param row entries of class 0, or equal to the fallback, are left out */
  add(label: number, fallback: number, row: readonly (readonly [symbol: number, target: number])[]): void {
    const sorted = [...row].sort((a, b) => a[0] - b[0]);
    this.addRow(
      label,
      fallback,
      sorted.map(([symbol]) => symbol),
      sorted.map(([, target]) => target),
    );
  }

  /** Like `add`. @param symbols ascending @param targets of the symbols */
  addRow(label: number, fallback: number, symbols: readonly number[], targets: readonly number[]): void {
    this.#labels.push(label);
    this.#fallback.push(fallback);
    for (let i = 0; i < symbols.length; i++) {
      if (symbols[i] === 0 || targets[i] === fallback) continue;
      this.#symbols.push(symbols[i] as number);
      this.#targets.push(targets[i] as number);
    }
    this.#offsets.push(this.#symbols.length);
  }

  build(alphabet: Alphabet): Dfa {
    return {
      alphabet,
      labels: Int32Array.from(this.#labels),
      fallback: Int32Array.from(this.#fallback),
      offsets: Int32Array.from(this.#offsets),
      symbols: Int32Array.from(this.#symbols),
      targets: Int32Array.from(this.#targets),
    };
  }
}

/** What a state takes beside its transitions: its key, its lists. */
const STEPS_OF_STATE = 8;

/** @throws ConstraintError if one automaton has more states than all may have */
export function checkStates(count: number, { limits }: CompileBudget): void {
  if (count > limits.states)
    throw new ConstraintError(`the constraint has more than ${limits.states} states`);
}

/** A state of an automaton that is being explored: its label, and what the classes lead to. */
export interface Row<S> {
  readonly label: number;
  /** What class 0 leads to, and every class that is not listed; undefined for nothing. */
  readonly fallback: S | undefined;
  readonly exceptions: readonly (readonly [symbol: number, target: S | undefined])[];
}

/**
 * The automaton of all states that can be reached.
 * @param keyOf equal states have equal keys
 * @throws ConstraintError beyond the limits of states and steps
 */
export function explore<S>(
  alphabet: Alphabet,
  start: S | undefined,
  keyOf: (state: S) => string | number,
  rowOf: (state: S) => Row<S>,
  budget: CompileBudget,
): Dfa {
  const ids = new Map<string | number, number>();
  const states: S[] = [];
  const idOf = (state: S | undefined): number => {
    if (state === undefined) return DEAD;
    const key = keyOf(state);
    let id = ids.get(key);
    if (id === undefined) {
      id = states.length;
      ids.set(key, id);
      states.push(state);
      checkStates(states.length, budget);
    }
    return id;
  };
  const builder = new DfaBuilder();
  idOf(start);
  for (const state of states) {
    const { label, fallback, exceptions } = rowOf(state);
    budget.spendSteps(STEPS_OF_STATE + exceptions.length);
    builder.add(
      label,
      idOf(fallback),
      exceptions.map(([symbol, target]) => [symbol, idOf(target)] as const),
    );
  }
  return builder.build(alphabet);
}
