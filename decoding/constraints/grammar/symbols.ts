/** @module What rules are made of: characters, other rules, and repetitions of either. */
import type { Frame } from '../automaton/frame.ts';
import { ByteSet } from './byte-set.ts';
import type { CharacterFrame } from './characters.ts';

/** A text of more bytes is none: nobody can read it. */
export const MAX_DISTANCE = 1_000_000_000;
const NO_BYTES: readonly number[] = [];
/** An alternative that begins with more bytes than this is not listed for each of them. */
const FEW_BYTES = 16;

export type GrammarSymbol = Terminal | Rule | Repeat;

/** A symbol and what follows it: what is left of an alternative. */
export interface Place extends Frame {
  readonly id: number;
  readonly head: GrammarSymbol;
  readonly tail: Place | undefined;
}

/** One character of a set. */
export class Terminal {
  readonly id: number;
  readonly frame: CharacterFrame;
  readonly first: ByteSet;

  constructor(id: number, frame: CharacterFrame) {
    this.id = id;
    this.frame = frame;
    this.first = frame.first;
  }

  get distance(): number {
    return this.frame.distance;
  }
}

/** A rule, or a group within one. */
export class Rule {
  readonly id: number;
  /** Of the rule in the source that it is or is in. */
  readonly name: string;
  readonly offset: number;
  /** Whether one of its alternatives is empty. The others do not list it. */
  mayBeEmpty = false;
  /** First those of the source, then those of them that have a text. */
  alternatives: readonly Place[] = [];
  /** Bytes of its shortest text; infinite for a rule that has none. Known after the analysis, as what follows. */
  distance = Infinity;
  /** The bytes with which its texts begin. */
  readonly first = new ByteSet();
  /** Less than the rank of each rule that one of its texts may begin with. */
  rank = 0;
  #byByte: { readonly few: Map<number, Place[]>; readonly many: Place[] } | undefined;

  constructor(id: number, name: string, offset: number) {
    this.id = id;
    this.name = name;
    this.offset = offset;
  }

  /** Alternatives that may begin with a byte. Some of them do not. */
  *startingWith(byte: number): Iterable<Place> {
    this.#byByte ??= this.#listByByte();
    yield* this.#byByte.few.get(byte) ?? [];
    yield* this.#byByte.many;
  }

  #listByByte(): { few: Map<number, Place[]>; many: Place[] } {
    const few = new Map<number, Place[]>();
    const many: Place[] = [];
    for (const alternative of this.alternatives) {
      const { bytes } = alternative;
      if (bytes.length > FEW_BYTES) many.push(alternative);
      for (const byte of bytes.length > FEW_BYTES ? NO_BYTES : bytes) {
        const others = few.get(byte);
        if (others) others.push(alternative);
        else few.set(byte, [alternative]);
      }
    }
    return { few, many };
  }
}

/** An item several times. Its count is part of it, so that nothing is written out. */
export class Repeat {
  readonly id: number;
  readonly item: GrammarSymbol;
  readonly min: number;
  /** At least 1; infinite if there is no bound. */
  readonly max: number;

  constructor(id: number, item: GrammarSymbol, min: number, max: number) {
    this.id = id;
    this.item = item;
    this.min = min;
    this.max = max;
  }

  get distance(): number {
    return atMost(this.min === 0 ? 0 : this.min * this.item.distance);
  }

  get first(): ByteSet {
    return base(this).first;
  }
}

/** What a repetition of repetitions repeats. */
export function base(symbol: GrammarSymbol): Terminal | Rule {
  let at = symbol;
  while (at instanceof Repeat) at = at.item;
  return at;
}

/** A distance, infinite beyond the bound. */
export function atMost(distance: number): number {
  return distance > MAX_DISTANCE ? Infinity : distance;
}
