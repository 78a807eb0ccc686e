/**
 * @module States of the texts of numbers, made from their ends: each is known by what it leads to, so that equal states
 * are one from the beginning and the automaton is minimal.
 */
import { CompileBudget } from '../automaton/errors.ts';
import { Alphabet } from './alphabet.ts';
import { codePointsOf } from './code-points.ts';
import { ACCEPTED, DEAD, DfaBuilder, NO_LABEL } from './dfa.ts';
import { Language } from './language.ts';

/** The characters of numbers, ascending. `E` is like `e`. */
const SIGNS = ['+', '-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'e'];
export const PLUS = 0;
export const MINUS = 1;
export const POINT = 2;
/** The other digits follow. */
export const ZERO = 3;
export const EXPONENT = 13;

/** The state itself, as a target of its own row. */
export const SELF = -2;

/** The state that each sign leads to. */
export type Row = readonly number[];

export const noRow = (): number[] => new Array<number>(SIGNS.length).fill(DEAD);

const STEPS_OF_NODE = 12;

const { alphabet: ALPHABET, members } = Alphabet.ofSets(
  SIGNS.map((sign) => codePointsOf(sign === 'e' ? 'eE' : sign)),
  new CompileBudget(),
);
/** `[sign]`: its class. */
const CLASSES = members.map(([id]) => id as number);

/** A state's row, in one of the ways to write it. */
interface Form {
  readonly id: number;
  readonly accepts: boolean;
  readonly row: Row;
}

export class NumberNodes {
  readonly budget: CompileBudget;
  /** The form without `SELF` of each state. */
  readonly #states: Form[] = [];
  /** By hash. */
  readonly #forms = new Map<number, Form[]>();

  constructor(budget: CompileBudget) {
    this.budget = budget;
  }

  /** @returns the state with this row, whose targets were made before; `DEAD` if no text can end */
  get(accepts: boolean, row: Row): number {
    this.budget.spendSteps(STEPS_OF_NODE);
    if (!accepts && row.every((target) => target < 0)) return DEAD;
    const isLoop = row.includes(SELF);
    const known = this.#find(accepts, row) ?? (isLoop ? this.#targetLike(accepts, row) : undefined);
    if (known !== undefined) return known;
    const id = this.#states.length;
    const own = { id, accepts, row: withSelf(row, id) };
    this.#states.push(own);
    // What leads to this state and is else like it, is it.
    this.#add(own);
    if (isLoop) this.#add({ id, accepts, row: [...row] });
    return id;
  }

  #find(accepts: boolean, row: Row): number | undefined {
    for (const form of this.#forms.get(hashOf(row)) ?? []) {
      if (form.accepts === accepts && form.row.every((target, i) => target === row[i])) return form.id;
    }
    return undefined;
  }

  #add(form: Form): void {
    const hash = hashOf(form.row);
    const there = this.#forms.get(hash);
    if (there) there.push(form);
    else this.#forms.set(hash, [form]);
  }

  /** The target that a state which leads to itself would be equal to. */
  #targetLike(accepts: boolean, row: Row): number | undefined {
    return row.find((target) => target >= 0 && this.#find(accepts, withSelf(row, target)) === target);
  }

  /** The texts from a state on. */
  language(start: number): Language {
    if (start === DEAD) return Language.none;
    const builder = new DfaBuilder();
    // The start is state 0.
    const idOf = (target: number) => (target === start ? 0 : target === 0 ? start : target);
    for (let at = 0; at < this.#states.length; at++) {
      const { accepts, row } = this.#states[idOf(at)] as Form;
      const targets = row.map((target) => (target === DEAD ? DEAD : idOf(target)));
      builder.addRow(accepts ? ACCEPTED : NO_LABEL, DEAD, CLASSES, targets);
    }
    return Language.ofLeast(builder.build(ALPHABET), this.budget);
  }
}

function withSelf(row: Row, id: number): number[] {
  return row.map((target) => (target === SELF ? id : target));
}

function hashOf(row: Row): number {
  let hash = 0;
  for (const target of row) hash = (Math.imul(hash, 31) + target) | 0;
  return hash;
}
