/** @module A set of values that is computed once, and the sets that all compilations have in common. */
import { ConstraintError } from '../automaton/errors.ts';
import { ANY_NUMBER } from './numbers.ts';
import { ANY_STRING } from './strings.ts';
import {
  type ArrayShape,
  FALSE,
  NOTHING,
  NULL,
  type ObjectShape,
  TRUE,
  type ValueNode,
  type ValueSet,
} from './values.ts';

/** The values of a set are asked for while they are being computed. */
export class SelfReferenceError extends ConstraintError {}

const UNSEEN = Symbol('not computed');
const COMPUTING = Symbol('being computed');

export class LazyNode implements ValueNode {
  readonly id: number;
  readonly place: string;
  readonly #compute: () => ValueSet;
  #values: ValueSet | typeof UNSEEN | typeof COMPUTING = UNSEEN;

  constructor(id: number, place: string, compute: () => ValueSet) {
    this.id = id;
    this.place = place;
    this.#compute = compute;
  }

  get values(): ValueSet {
    if (this.#values === COMPUTING)
      throw new SelfReferenceError('the schema refers to itself without a value in between', this.place);
    if (this.#values === UNSEEN) {
      this.#values = COMPUTING;
      try {
        this.#values = this.#compute();
      } finally {
        // Whoever goes on without these values may ask again.
        if (this.#values === COMPUTING) this.#values = UNSEEN;
      }
    }
    return this.#values as ValueSet;
  }
}

const ANY_ID = 0;
const NOTHING_ID = 1;
/** Ids from here on are a compilation's own. */
export const FIRST_ID = 2;

/** Any JSON value: the same object for all compilations, so that its masks are shared. */
export const ANYTHING: ValueNode = new LazyNode(ANY_ID, '', () => ANY_VALUE);
/** No value. */
export const IMPOSSIBLE: ValueNode = new LazyNode(NOTHING_ID, '', () => NOTHING);

export const ANY_OBJECT: ObjectShape = {
  rules: [],
  required: new Set(),
  minProperties: 0,
  maxProperties: Infinity,
  anyOrder: false,
  some: [],
};

export const ANY_ARRAY: ArrayShape = {
  prefix: [],
  rest: ANYTHING,
  minItems: 0,
  maxItems: Infinity,
  contains: [],
  uniqueAt: undefined,
};

const ANY_VALUE: ValueSet = {
  constants: NULL | TRUE | FALSE,
  numbers: [ANY_NUMBER],
  strings: [ANY_STRING],
  arrays: [ANY_ARRAY],
  objects: [ANY_OBJECT],
};
