/** @module The states of an automaton by what they are, so that equal ones are one. */
import type { Alternative, State } from './state.ts';

/** Hashes are small integers in a runtime that compresses pointers. */
const HASH_BITS = 0x3fffffff;

export class StateTable {
  /** By hash: one state, or those that have the same hash. */
  readonly #states = new Map<number, State | State[]>();
  #size = 0;

  static mix(hash: number, value: number): number {
    const mixed = Math.imul(hash ^ value, 0x9e3779b1);
    return mixed ^ (mixed >>> 15);
  }

  get size(): number {
    return this.#size;
  }

  /** @param alternatives in an order that equal states have in common */
  get(hash: number, accepts: boolean, alternatives: readonly Alternative[]): State | undefined {
    const found = this.#states.get(hash & HASH_BITS);
    if (!found) return undefined;
    if (!Array.isArray(found)) return isEqual(found, accepts, alternatives) ? found : undefined;
    return found.find((state) => isEqual(state, accepts, alternatives));
  }

  add(hash: number, state: State): void {
    const key = hash & HASH_BITS;
    const others = this.#states.get(key);
    if (!others) this.#states.set(key, state);
    else if (Array.isArray(others)) others.push(state);
    else this.#states.set(key, [others, state]);
    this.#size++;
  }

  clear(): void {
    this.#states.clear();
    this.#size = 0;
  }
}

function isEqual(state: State, accepts: boolean, alternatives: readonly Alternative[]): boolean {
  const own = state.alternatives;
  if (state.accepts !== accepts || own.length !== alternatives.length) return false;
  for (let i = 0; i < own.length; i++) {
    const [a, b] = [own[i] as Alternative, alternatives[i] as Alternative];
    if (a.frame !== b.frame || a.rest !== b.rest) return false;
  }
  return true;
}
