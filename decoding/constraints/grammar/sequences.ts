/**
 * @module Places in a grammar: what is left of an alternative. They are the frames of a grammar's automaton. A place in
 * a repetition knows how often the item may still come.
 */

import type { CompileBudget } from '../automaton/errors.ts';
import type { Frame, Reading } from '../automaton/frame.ts';
import { ByteSet } from './byte-set.ts';
import type { CharacterFrame } from './characters.ts';
import { readByte } from './read-byte.ts';
import { atMost, type GrammarSymbol, type Place, Repeat, Rule, Terminal } from './symbols.ts';

/** Places and counts that are made while texts are read. Beyond it they are made anew. */
const MAX_MADE = 50_000;
/** What a rule takes in memory and time. */
const STATES_PER_RULE = 8;

const NONE: readonly Reading[] = [];

/** The bytes that a place may read. */
interface FirstBytes {
  readonly set: ByteSet;
  readonly list: readonly number[];
}

/** A symbol, and what follows it. */
export class Sequence implements Place {
  readonly id: number;
  readonly head: GrammarSymbol;
  readonly tail: Place | undefined;
  readonly #places: Places;
  #distance: number | undefined;
  #first: FirstBytes | undefined;
  #readings = new Map<number, readonly Reading[]>();
  #generation = 0;

  /** Of `Places` only. */
  constructor(id: number, head: GrammarSymbol, tail: Place | undefined, places: Places) {
    this.id = id;
    this.head = head;
    this.tail = tail;
    this.#places = places;
  }

  /** Infinite if it has no text. It must not be asked for before the analysis of the rules. */
  get distance(): number {
    this.#distance ??= atMost(this.head.distance + (this.tail?.distance ?? 0));
    return this.#distance;
  }

  get isDone(): boolean {
    return this.distance === 0;
  }

  get bytes(): readonly number[] {
    return this.#firstBytes.list;
  }

  get #firstBytes(): FirstBytes {
    if (!this.#first) Sequence.#findFirst(this, this.#places);
    return this.#first as FirstBytes;
  }

  /** Those of the places after it that may read first come before: chains of them may be long. */
  static #findFirst(place: Sequence, places: Places): void {
    const chain: Sequence[] = [];
    let at: Sequence | undefined = place;
    while (at && !at.#first) {
      chain.push(at);
      at = at.head.distance === 0 && at.tail instanceof Sequence ? at.tail : undefined;
    }
    let after = at ? at.#first : undefined;
    for (const each of chain.reverse()) {
      after = places.firstBytes(each.head.first, after?.set);
      each.#first = after;
    }
  }

  step(byte: number): readonly Reading[] {
    if (!this.#firstBytes.set.has(byte)) return NONE;
    // What was made before the tables began anew would keep all of it in memory.
    if (this.#generation !== this.#places.generation) {
      this.#readings.clear();
      this.#generation = this.#places.generation;
    }
    let readings = this.#readings.get(byte);
    if (!readings) {
      readings = readByte(this, byte, this.#places.afterItem);
      this.#readings.set(byte, readings);
    }
    return readings;
  }

  within(length: number): Frame {
    const { head } = this;
    if (!(head instanceof Repeat)) return this;
    // An item has a byte at least, so that no more than `length` of them are read.
    const min = Math.min(head.min, length + 1);
    const max = head.max > length ? Infinity : head.max;
    if (min === head.min && max === head.max) return this;
    return this.#places.sequence(this.#places.repeat(head.item, min, max), this.tail);
  }
}

/** Makes the symbols and places of a grammar, equal ones once. */
export class Places {
  /** Counts how often the tables began anew. */
  generation = 0;
  readonly #budget: CompileBudget;
  /** Places and counts at which the tables begin anew. None while the grammar is compiled. */
  #maximum = Infinity;
  #ids = 0;
  readonly #terminals = new Map<CharacterFrame, Terminal>();
  readonly #repeats = new Map<string, Repeat>();
  /** By head, and then by the id of the tail. */
  readonly #sequences = new Map<GrammarSymbol, Map<number | undefined, Sequence>>();
  #sequenceCount = 0;
  readonly #firstBytes = new Map<string, FirstBytes>();

  constructor(budget: CompileBudget) {
    this.#budget = budget;
  }

  rule(name: string, offset: number): Rule {
    this.#budget.spendStates(STATES_PER_RULE);
    return new Rule(this.#ids++, name, offset);
  }

  terminal(frame: CharacterFrame): Terminal {
    let terminal = this.#terminals.get(frame);
    if (!terminal) {
      this.#count();
      terminal = new Terminal(this.#ids++, frame);
      this.#terminals.set(frame, terminal);
    }
    return terminal;
  }

  /** @param max at least 1 */
  repeat(item: GrammarSymbol, min: number, max: number): Repeat {
    const key = `${item.id},${min},${max}`;
    let repeat = this.#repeats.get(key);
    if (!repeat) {
      this.#count();
      repeat = new Repeat(this.#ids++, item, min, max);
      this.#repeats.set(key, repeat);
    }
    return repeat;
  }

  /** A symbol before a place; undefined is the place after which nothing follows. */
  sequence(head: GrammarSymbol, tail: Place | undefined): Sequence {
    let sequence = this.#sequences.get(head)?.get(tail?.id);
    if (!sequence) {
      this.#count();
      sequence = new Sequence(this.#ids++, head, tail, this);
      const others = this.#sequences.get(head);
      if (others) others.set(tail?.id, sequence);
      else this.#sequences.set(head, new Map([[tail?.id, sequence]]));
      this.#sequenceCount++;
    }
    return sequence;
  }

  /** What is left of a repetition, before `tail`, after one of its items has begun. */
  readonly afterItem = ({ item, min, max }: Repeat, tail: Place | undefined): Place | undefined => {
    if (max === 1) return tail;
    // Items that may be empty can make up any number.
    const left = item.distance === 0 ? 0 : Math.max(min - 1, 0);
    return this.sequence(this.repeat(item, left, max - 1), tail);
  };

  /** The bytes of both sets; the same object for equal ones. */
  firstBytes(first: ByteSet, after: ByteSet | undefined): FirstBytes {
    const set = new ByteSet();
    set.addAll(first);
    if (after) set.addAll(after);
    const { key } = set;
    let bytes = this.#firstBytes.get(key);
    if (!bytes) {
      bytes = { set, list: set.toArray() };
      this.#firstBytes.set(key, bytes);
    }
    return bytes;
  }

  /** Ends the compilation: the distances of all places are found, shorter ones first. */
  settle(): void {
    this.#maximum = this.#sequenceCount + this.#repeats.size + MAX_MADE;
    const sequences = [...this.#sequences.values()].flatMap((byTail) => [...byTail.values()]);
    for (const sequence of sequences.sort((a, b) => a.id - b.id)) void sequence.distance;
  }

  #count(): void {
    if (this.#maximum === Infinity) {
      this.#budget.spendStates();
      return;
    }
    if (this.#sequenceCount + this.#repeats.size < this.#maximum) return;
    this.#sequences.clear();
    this.#sequenceCount = 0;
    this.#repeats.clear();
    this.#firstBytes.clear();
    this.generation++;
  }
}
