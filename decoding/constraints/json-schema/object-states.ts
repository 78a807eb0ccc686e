/** @module The places in an object of a shape: which members may follow, and which must. */
import { ConstraintError } from '../automaton/errors.ts';
import { Fills, OrderedFills } from './object-fills.ts';

/** A member that can be there. */
export interface MemberCost {
  /** Bytes of `"key":value`; finite. */
  readonly bytes: number;
  readonly isRequired: boolean;
}

export interface ObjectBounds {
  readonly minProperties: number;
  /** May be Infinity. */
  readonly maxProperties: number;
  readonly anyOrder: boolean;
  /** Bytes of the shortest members with other keys, ascending, as many as needed; empty if there are no other keys. */
  readonly others: readonly number[];
}

/** Beyond so many, other keys that must differ are refused: each is compared with all before it. */
export const MAX_DISTINCT = 32;

/** Of an object that is being written. Equal ones of a machine are the same object. */
export class ObjectState {
  readonly #machine: ObjectMachine;
  /** `[members]`: 1 for those that have been written or left behind. */
  readonly taken: Uint8Array;
  /** Members so far, as far as they matter. */
  readonly count: number;
  /** Other keys so far from which later ones must differ. */
  readonly otherKeys: readonly string[];
  /** Required members to come: how many, and their bytes. */
  readonly requiredLeft: number;
  readonly requiredBytes: number;
  /** The first required member to come; Infinity if there is none. */
  readonly firstRequired: number;
  #remaining: number | undefined;
  readonly #after = new Map<number | string, ObjectState>();

  /** Of `ObjectMachine` only. */
  constructor(machine: ObjectMachine, taken: Uint8Array, count: number, otherKeys: readonly string[]) {
    this.#machine = machine;
    this.taken = taken;
    this.count = count;
    this.otherKeys = otherKeys;
    let [left, bytes, first] = [0, 0, Infinity];
    machine.members.forEach((member, i) => {
      if (!member.isRequired || taken[i]) return;
      left++;
      bytes += 1 + member.bytes;
      first = Math.min(first, i);
    });
    this.firstRequired = first;
    this.requiredLeft = left;
    this.requiredBytes = bytes;
  }

  /** Whether the object may end. */
  get canEnd(): boolean {
    return this.requiredLeft === 0 && this.count >= this.#machine.bounds.minProperties;
  }

  /** Bytes up to the closing brace and with it, if a comma is before each member. */
  get remaining(): number {
    this.#remaining ??= 1 + this.requiredBytes + this.#machine.fill(this);
    return this.#remaining;
  }

  /**
   * The least bytes from a next member on, without a comma before it; Infinity if no member may follow.
   * @param otherBytes of the shortest member with another key
   */
  remainingWithMember(otherBytes: () => number): number {
    if (!this.canEnd) return this.remaining - 1;
    // Nothing is missing, so that the object may end after any member.
    let least = this.mayHaveOther ? otherBytes() : Infinity;
    this.#machine.members.forEach(({ bytes }, i) => {
      if (bytes < least && this.mayHave(i)) least = bytes;
    });
    return least + 1;
  }

  /** `remaining` after a member. */
  remainingAfter(member: number): number {
    const { isRequired, bytes } = this.#machine.members[member] as MemberCost;
    const required = isRequired ? this.requiredBytes - 1 - bytes : this.requiredBytes;
    return 1 + required + this.#machine.fillAfter(this, member);
  }

  get mayContinue(): boolean {
    return !this.canEnd || this.mayHaveOther || this.taken.some((_, i) => this.mayHave(i));
  }

  mayHave(member: number): boolean {
    return this.taken[member] === 0 && this.#machine.mayTake(this, member);
  }

  get mayHaveOther(): boolean {
    return this.#machine.mayTakeOther(this);
  }

  /** @param key of a chosen member from which later ones must differ */
  after(member: number, key?: string): ObjectState {
    const known = key === undefined ? member : `=${key}`;
    return this.#next(known, () => this.#machine.take(this, member, key));
  }

  /** @param key matters only where `mustDiffer` */
  afterOther(key: string): ObjectState {
    const known = this.mustDiffer ? key : '';
    return this.#next(known, () => this.#machine.takeOther(this, known));
  }

  /** Whether the key of a next other member is compared with later ones. */
  get mustDiffer(): boolean {
    return this.#machine.tracks(this.count + 1);
  }

  #next(key: number | string, create: () => ObjectState): ObjectState {
    let next = this.#after.get(key);
    if (!next) {
      next = create();
      this.#after.set(key, next);
    }
    return next;
  }
}

export class ObjectMachine {
  readonly members: readonly MemberCost[];
  /** Members with names. The others, with chosen keys, come after them in any order. */
  readonly #named: number;
  readonly bounds: ObjectBounds;
  readonly start: ObjectState;
  /** Whether other keys must differ to count. */
  readonly #isDistinct: boolean;
  readonly #hasEmptyKey: boolean;
  readonly #states = new Map<string, ObjectState>();
  readonly #ordered: OrderedFills;
  /** Where keys come in any order. */
  readonly #fills = new WeakMap<ObjectState, Fills>();

  /**
   * @param members in the schema's order; an object of them is possible
   * @param named how many have names; those after them have other keys, each its own set
   */
  constructor(members: readonly MemberCost[], bounds: ObjectBounds, named = members.length) {
    this.members = members;
    this.#named = named;
    this.bounds = bounds;
    this.#isDistinct = mustTrack(members, bounds);
    this.#hasEmptyKey = (bounds.others[0] ?? 0) < (bounds.others[1] ?? 0);
    this.#ordered = new OrderedFills(
      members.map(({ bytes, isRequired }) => (isRequired ? undefined : bytes)),
    );
    this.start = this.#state(new Uint8Array(members.length), 0, []);
  }

  /** Bytes of the shortest members that the least number of members asks for, beyond those that are required. */
  fill(state: ObjectState): number {
    const missing = this.#missing(state);
    if (missing <= 0) return 0;
    if (this.bounds.anyOrder) return this.#fillsOf(state).least(missing);
    return this.#orderedFill(state, takenOf(state), missing);
  }

  /** `fill` after a member. */
  fillAfter(state: ObjectState, member: number): number {
    const { isRequired, bytes } = this.members[member] as MemberCost;
    const missing = this.#missing(state) - (isRequired ? 0 : 1);
    if (missing <= 0) return 0;
    if (!this.bounds.anyOrder) return this.#orderedFill(state, member + 1, missing);
    const fills = this.#fillsOf(state);
    return isRequired ? fills.least(missing) : fills.leastWithout(bytes, missing);
  }

  #orderedFill(state: ObjectState, from: number, missing: number): number {
    const variant = state.otherKeys.includes('') ? 1 : 0;
    return this.#ordered.least(from, missing, variant, () => this.#others(state, missing));
  }

  #missing({ count, requiredLeft }: ObjectState): number {
    return this.bounds.minProperties - count - requiredLeft;
  }

  #fillsOf(state: ObjectState): Fills {
    let fills = this.#fills.get(state);
    if (!fills) {
      const optional = this.members
        .filter(({ isRequired }, i) => !isRequired && !state.taken[i])
        .map(({ bytes }) => bytes);
      fills = new Fills(optional, this.#others(state, this.#missing(state)));
      this.#fills.set(state, fills);
    }
    return fills;
  }

  mayTake(state: ObjectState, member: number): boolean {
    const { isRequired } = this.members[member] as MemberCost;
    const left = state.requiredLeft - (isRequired ? 1 : 0);
    if (state.count + 1 + left > this.bounds.maxProperties) return false;
    if (this.bounds.anyOrder) return true;
    // A required member must not be left behind, nor too many to reach the least number.
    if (Math.min(member, this.#named) > state.firstRequired) return false;
    return (
      this.bounds.others.length > 0 ||
      this.members.length - 1 - member >= this.bounds.minProperties - state.count - 1
    );
  }

  mayTakeOther(state: ObjectState): boolean {
    if (this.bounds.others.length === 0) return false;
    if (!this.bounds.anyOrder && state.firstRequired < this.#named) return false;
    return state.count + 1 + state.requiredLeft <= this.bounds.maxProperties;
  }

  take(state: ObjectState, member: number, key?: string): ObjectState {
    const taken = state.taken.slice();
    if (!this.bounds.anyOrder) taken.fill(1, 0, Math.min(member, this.#named));
    taken[member] = 1;
    const keys = key === undefined ? state.otherKeys : [...state.otherKeys, key];
    return this.#state(taken, state.count + 1, keys);
  }

  takeOther(state: ObjectState, key: string): ObjectState {
    const taken = this.bounds.anyOrder ? state.taken : state.taken.slice().fill(1, 0, this.#named);
    const keys = this.tracks(state.count + 1) ? [...state.otherKeys, key].sort() : state.otherKeys;
    return this.#state(taken, state.count + 1, keys);
  }

  /** Whether other keys are kept once an object has `count` members. */
  tracks(count: number): boolean {
    return this.#isDistinct && count < this.bounds.minProperties;
  }

  #others({ otherKeys }: ObjectState, count: number): readonly number[] {
    const { others } = this.bounds;
    if (others.length === 0) return [];
    // Only the empty key is shorter than the many keys of one byte.
    if (this.#isDistinct) return otherKeys.includes('') && this.#hasEmptyKey ? others.slice(1) : others;
    return Array.from({ length: count }, () => others[0] as number);
  }

  #state(taken: Uint8Array, members: number, otherKeys: readonly string[]): ObjectState {
    const { minProperties, maxProperties } = this.bounds;
    const count = maxProperties < Infinity ? members : Math.min(members, minProperties);
    const keys = this.#isDistinct && !this.tracks(count) ? [] : otherKeys;
    const isOrdered = !this.bounds.anyOrder && this.#named === this.members.length;
    const key = `${isOrdered ? takenOf({ taken }) : taken.join('')} ${count} ${JSON.stringify(keys)}`;
    let state = this.#states.get(key);
    if (!state) {
      state = new ObjectState(this, taken, count, keys);
      this.#states.set(key, state);
    }
    return state;
  }
}

/** Members at the beginning that have been written or left behind. */
function takenOf({ taken }: Pick<ObjectState, 'taken'>): number {
  const first = taken.indexOf(0);
  return first < 0 ? taken.length : first;
}

/** Whether members with other keys count only if their keys differ: named ones and one other are not enough. */
export function mustTrack(
  members: readonly MemberCost[],
  { minProperties, others }: Pick<ObjectBounds, 'minProperties' | 'others'>,
): boolean {
  if (others.length === 0) return false;
  return minProperties > 1 + members.filter(({ isRequired }) => isRequired).length;
}

/**
 * Bytes of the shortest object of a shape; Infinity if there is none.
 * @param members those with finite bytes
 */
export function leastObject(members: readonly MemberCost[], bounds: ObjectBounds): number {
  const required = members.filter(({ isRequired }) => isRequired);
  const { minProperties, maxProperties, others } = bounds;
  if (required.length > maxProperties || minProperties > maxProperties) return Infinity;
  const missing = Math.max(0, minProperties - required.length);
  const optional = members.filter(({ isRequired }) => !isRequired).map(({ bytes }) => bytes);
  const repeated = mustTrack(members, bounds)
    ? others
    : others.length > 0
      ? Array.from({ length: missing }, () => others[0] as number)
      : [];
  const bytes = required.reduce((sum, member) => sum + 1 + member.bytes, 0);
  const all = 2 + bytes + new Fills(optional, repeated).least(missing);
  return required.length + missing > 0 ? all - 1 : all;
}

/** @throws ConstraintError if so many different keys are not supported */
export function checkDistinct(missing: number, place: string): void {
  if (missing > MAX_DISTINCT)
    throw new ConstraintError(
      `"minProperties" is not supported for more than ${MAX_DISTINCT} keys without a schema of their own`,
      place,
    );
}
