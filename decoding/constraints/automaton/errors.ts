/** @module The error of a constraint that cannot be compiled. */

/** The constraint is malformed, uses something that is not supported, or exceeds a bound. */
export class ConstraintError extends Error {
  override readonly name = 'ConstraintError';
  /** Where in the constraint, for example `/properties/a/pattern`; empty for the whole of it. */
  readonly place: string;

  /** @param message names what is wrong, its value, and the limit */
  constructor(message: string, place = '') {
    super(message);
    this.place = place;
  }
}

/** A place in a text has more readings than a step or a mask may follow. */
export class TooAmbiguousError extends ConstraintError {}

/** Bounds of a compilation. A compilation that reaches one throws a `ConstraintError` that names it. */
export interface CompileLimits {
  /** Elementary steps: transitions made, characters parsed. */
  readonly steps: number;
  /** States of all automata together. */
  readonly states: number;
  /** Nesting of the source. */
  readonly depth: number;
}

export const DEFAULT_LIMITS: CompileLimits = { steps: 500_000, states: 50_000, depth: 200 };

/** Memory of a compiled constraint, whatever it is; of a state; and at most: texts reach only a part of a large one. */
const LEAST_BYTES = 60_000;
const STATE_BYTES = 100;
const MOST_BYTES = 3_000_000;

/** Counts what a compilation does. */
export class CompileBudget {
  readonly limits: CompileLimits;
  #steps = 0;
  #states = 0;
  #bytes = LEAST_BYTES;
  readonly #values = new Map<object, Map<string, object>>();

  constructor(limits: CompileLimits = DEFAULT_LIMITS) {
    this.limits = limits;
  }

  /** Spent so far. */
  get steps(): number {
    return this.#steps;
  }

  get states(): number {
    return this.#states;
  }

  /** About what the constraint takes in memory once texts have reached its parts, where pointers have four bytes. */
  get bytes(): number {
    return Math.min(this.#bytes, MOST_BYTES);
  }

  /** Adds memory beside that of states. */
  addBytes(count: number): void {
    this.#bytes += count;
  }

  /** Values that this compilation has been charged for, by the shared table that each is in. */
  valuesOf<Value extends object>(shared: ReadonlyMap<string, { readonly value: Value }>): Map<string, Value> {
    let values = this.#values.get(shared);
    if (!values) {
      values = new Map();
      this.#values.set(shared, values);
    }
    // A shared table holds values of one type.
    return values as Map<string, Value>;
  }

  /** @throws ConstraintError beyond the limit */
  spendSteps(count = 1): void {
    this.#steps += count;
    if (this.#steps > this.limits.steps)
      throw new ConstraintError(`the constraint needs more than ${this.limits.steps} steps to compile`);
  }

  /** @throws ConstraintError beyond the limit */
  spendStates(count = 1): void {
    this.#states += count;
    this.#bytes += STATE_BYTES * count;
    if (this.#states > this.limits.states)
      throw new ConstraintError(`the constraint has more than ${this.limits.states} states`);
  }

  /** @throws ConstraintError beyond the limit */
  checkDepth(depth: number): void {
    if (depth > this.limits.depth)
      throw new ConstraintError(`the constraint is nested more than ${this.limits.depth} deep`);
  }
}
