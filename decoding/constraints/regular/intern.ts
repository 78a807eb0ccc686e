/** @module The automata that were made last, so that equal ones have the same owner. */
import type { Dfa } from './dfa.ts';

/** What stands for an automaton. */
interface Owner {
  readonly dfa: Dfa;
}

export class InternTable<T extends Owner> {
  /** Numbers that the automata of a generation may have. */
  readonly #maximum: number;
  /** When the young generation is full, it becomes the old one, which is dropped. */
  #young = new Map<number, T[]>();
  #old = new Map<number, T[]>();
  #numbers = 0;

  /** @param maximum numbers that the automata in the table may have, of four bytes each */
  constructor(maximum: number) {
    this.#maximum = maximum / 2;
  }

  /** @returns the owner of an equal automaton, created if there is none */
  get(dfa: Dfa, create: () => T): T {
    const hash = hashOf(dfa);
    const isEqual = (owner: T) => areEqual(owner.dfa, dfa);
    const young = this.#young.get(hash)?.find(isEqual);
    if (young) return young;
    const owner = this.#old.get(hash)?.find(isEqual) ?? create();
    const size = sizeOf(dfa);
    // A large one would take the place of all others.
    if (size > this.#maximum / 4) return owner;
    if (this.#numbers + size > this.#maximum) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#numbers = 0;
    }
    this.#numbers += size;
    this.#young.set(hash, [...(this.#young.get(hash) ?? []), owner]);
    return owner;
  }
}

function partsOf({ alphabet, labels, fallback, offsets, symbols, targets }: Dfa): ArrayLike<number>[] {
  return [alphabet.starts, alphabet.classes, labels, fallback, offsets, symbols, targets];
}

function sizeOf(dfa: Dfa): number {
  return partsOf(dfa).reduce((sum, { length }) => sum + length, 0);
}

function hashOf(dfa: Dfa): number {
  let hash = 0;
  for (const part of partsOf(dfa)) {
    for (let i = 0; i < part.length; i++) hash = (Math.imul(hash, 31) + (part[i] as number)) | 0;
  }
  return hash;
}

/** Whether two automata are the same, state by state. */
export function areEqual(a: Dfa, b: Dfa): boolean {
  const partsOfB = partsOf(b);
  return partsOf(a).every((part, i) => {
    const other = partsOfB[i] as ArrayLike<number>;
    if (part.length !== other.length) return false;
    for (let at = 0; at < part.length; at++) if (part[at] !== other[at]) return false;
    return true;
  });
}
