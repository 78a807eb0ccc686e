/** @module Frames inside objects. */
import type { Frame, Reading } from '../automaton/frame.ts';
import { CapturedKeys } from './captured-keys.ts';
import { COMMA, QUOTE, type Values } from './frame-steps.ts';
import { COLON, GAP } from './gap.ts';
import {
  type DistanceOf,
  keysBut,
  type LiveMembers,
  type ObjectPlan,
  type OtherMembers,
} from './object-plan.ts';
import { ObjectMachine, type ObjectState } from './object-states.ts';
import { TextsReader, withQuote } from './text-frames.ts';
import { TextTrie, type TriePlace } from './text-trie.ts';
import type { ValueNode } from './values.ts';

const CLOSE = 0x7d;

type Alternatives = readonly Reading[];

const UNKNOWN = -1;

export class ObjectReader {
  readonly live: LiveMembers;
  /** The names that can be there. */
  readonly trie: TextTrie;
  /** Reads what is left of a name, where it is known which one it is: the same wherever in the object that is. */
  readonly names: TextsReader;
  /** The member of each text of `trie`. */
  readonly members: readonly number[];
  readonly plan: ObjectPlan;
  readonly #machine: ObjectMachine;
  readonly #values: Values;
  readonly #states = new Map<ObjectState, StateFrames>();

  constructor(plan: ObjectPlan, values: Values, distanceOf: DistanceOf) {
    this.plan = plan;
    this.live = plan.live(distanceOf);
    this.trie = new TextTrie(this.live.names);
    this.names = new TextsReader(this.trie);
    const numbers = new Map(this.live.names.map((name, i) => [name, i]));
    this.members = this.trie.texts.map((name) => numbers.get(name) as number);
    this.#machine = new ObjectMachine(this.live.costs, this.live.bounds, this.live.names.length);
    this.#values = values;
  }

  /** What may follow the opening brace. */
  get opened(): Alternatives {
    return [[GAP, new PlaceFrame(this.frames(this.#machine.start), true)]];
  }

  frames(state: ObjectState): StateFrames {
    let frames = this.#states.get(state);
    if (!frames) {
      frames = new StateFrames(this, state);
      this.#states.set(state, frames);
    }
    return frames;
  }

  /** Reads the keys of members with other keys but those of a list. */
  keys(members: OtherMembers, texts: readonly string[]): Frame {
    return keysBut(members, texts, this.plan.reserved);
  }

  /** The least bytes of a value. */
  distanceOf(node: ValueNode): number {
    return this.#values.value(node).distance;
  }

  /** What follows a key whose value is in a set, up to the next place in the object. */
  afterKey(node: ValueNode, next: ObjectState): readonly Frame[] {
    return [GAP, COLON, GAP, this.#values.value(node), GAP, this.frames(next).next];
  }
}

/** The frames of a place in an object. */
class StateFrames {
  readonly reader: ObjectReader;
  readonly state: ObjectState;
  /** After a member. */
  readonly next: Frame;
  readonly #names = new Map<TriePlace, Frame>();
  readonly #afterNames: (Alternatives | undefined)[] = [];
  /** `[text]` */
  #bytesAfter: Float64Array | undefined;
  #keys: Alternatives | undefined;
  #key: Frame | undefined;

  constructor(reader: ObjectReader, state: ObjectState) {
    this.reader = reader;
    this.state = state;
    this.next = new PlaceFrame(this, false);
  }

  /** Before a key, after a comma. */
  get key(): Frame {
    this.#key ??= new KeyFrame(this);
    return this.#key;
  }

  /** What may follow the opening quote of a key. */
  get keys(): Alternatives {
    this.#keys ??= [...this.#namedKeys(), ...this.#otherKeys()];
    return this.#keys;
  }

  mayEndWith(text: number): boolean {
    return text >= 0 && this.state.mayHave(this.reader.members[text] as number);
  }

  /** How a key goes on, of the names from a place on. */
  name(place: TriePlace): Reading {
    if (place.only >= 0) {
      const [after = []] = this.afterName(place.only);
      return [this.reader.names.frame(place), ...after];
    }
    let frame = this.#names.get(place);
    if (!frame) {
      frame = new NameFrame(this, place);
      this.#names.set(place, frame);
    }
    return [frame];
  }

  afterName(text: number): Alternatives {
    let after = this.#afterNames[text];
    if (!after) {
      const member = this.reader.members[text] as number;
      const node = this.reader.live.nodes[member] as ValueNode;
      after = [this.reader.afterKey(node, this.state.after(member))];
      this.#afterNames[text] = after;
    }
    return after;
  }

  /** Bytes behind the name of a text. The places of all names ask for it, inside of characters too. */
  bytesAfterName(text: number): number {
    this.#bytesAfter ??= new Float64Array(this.reader.members.length).fill(UNKNOWN);
    if (this.#bytesAfter[text] === UNKNOWN) this.#bytesAfter[text] = this.#computeBytesAfter(text);
    return this.#bytesAfter[text] as number;
  }

  #computeBytesAfter(text: number): number {
    const member = this.reader.members[text] as number;
    if (!this.state.mayHave(member)) return Infinity;
    const { names, costs } = this.reader.live;
    // The cost of a member counts its key, quotes included.
    const value = (costs[member]?.bytes as number) - 2 - this.reader.trie.bytesOf(text);
    return names.length === 0 ? Infinity : 1 + value + this.state.remainingAfter(member);
  }

  /** Bytes of the shortest member with another key. */
  get otherBytes(): number {
    const { live } = this.reader;
    return Math.min(
      ...live.others.map((member) => {
        const { distance } = this.reader.keys(member, this.state.otherKeys);
        return 2 + distance + this.reader.distanceOf(member.node);
      }),
    );
  }

  #namedKeys(): Alternatives {
    const { start } = this.reader.trie;
    return start.some((text) => this.mayEndWith(text)) ? [this.name(start)] : [];
  }

  #otherKeys(): Alternatives {
    const { state, reader } = this;
    const { chosen, names, others } = reader.live;
    const readings: Reading[] = [];
    const add = (member: OtherMembers, isCaptured: boolean, next: (key?: string) => ObjectState) => {
      const keys = reader.keys(member, state.otherKeys);
      const after = (key?: string) => reader.afterKey(member.node, next(key));
      readings.push(isCaptured ? [new CapturedKeys(keys, after).start] : [keys, ...after()]);
    };
    chosen.forEach(({ members, isDistinct }, i) => {
      const place = names.length + i;
      if (!state.mayHave(place)) return;
      for (const member of members) add(member, isDistinct, (key) => state.after(place, key));
    });
    if (state.mayHaveOther)
      for (const member of others) add(member, state.mustDiffer, (key = '') => state.afterOther(key));
    return readings;
  }
}

/** After the opening brace, or after a member. */
class PlaceFrame implements Frame {
  readonly isDone = false;
  readonly treatsLettersAlike = true;
  readonly #frames: StateFrames;
  readonly #isFirst: boolean;

  constructor(frames: StateFrames, isFirst: boolean) {
    this.#frames = frames;
    this.#isFirst = isFirst;
  }

  get distance(): number {
    const { canEnd, remaining } = this.#frames.state;
    // There is no comma before the first member.
    return this.#isFirst && !canEnd ? remaining - 1 : remaining;
  }

  get bytes(): readonly number[] {
    const { mayContinue, canEnd } = this.#frames.state;
    return [...(mayContinue ? [this.#more] : []), ...(canEnd ? [CLOSE] : [])];
  }

  step(byte: number): Alternatives {
    const { mayContinue, canEnd } = this.#frames.state;
    if (byte === CLOSE) return canEnd ? [[]] : [];
    if (byte !== this.#more || !mayContinue) return [];
    return this.#isFirst ? this.#frames.keys : [[GAP, this.#frames.key]];
  }

  get #more(): number {
    return this.#isFirst ? QUOTE : COMMA;
  }
}

/** After a comma. */
class KeyFrame implements Frame {
  readonly isDone = false;
  readonly treatsLettersAlike = true;
  readonly bytes = [QUOTE];
  readonly #frames: StateFrames;
  #distance: number | undefined;

  constructor(frames: StateFrames) {
    this.#frames = frames;
  }

  get distance(): number {
    this.#distance ??= this.#frames.state.remainingWithMember(() => this.#frames.otherBytes);
    return this.#distance;
  }

  step(byte: number): Alternatives {
    return byte === QUOTE ? this.#frames.keys : [];
  }
}

/** Inside a key that is one of the names which may follow. */
class NameFrame implements Frame {
  readonly isDone = false;
  readonly #frames: StateFrames;
  readonly #place: TriePlace;
  #bytes: readonly number[] | undefined;
  #distance: number | undefined;

  constructor(frames: StateFrames, place: TriePlace) {
    this.#frames = frames;
    this.#place = place;
  }

  get distance(): number {
    this.#distance ??= this.#place.least((text) => this.#frames.bytesAfterName(text));
    return this.#distance;
  }

  get bytes(): readonly number[] {
    this.#bytes ??= withQuote(
      this.#place.bytes.filter((byte) => this.#leadsOn(this.#place.after(byte))),
      this.#frames.mayEndWith(this.#place.ending),
    );
    return this.#bytes;
  }

  step(byte: number): Alternatives {
    const frames = this.#frames;
    const { ending } = this.#place;
    if (byte === QUOTE && frames.mayEndWith(ending)) return frames.afterName(ending);
    const next = this.#place.after(byte);
    return next && this.#leadsOn(next) ? [frames.name(next)] : [];
  }

  #leadsOn(place: TriePlace | undefined): boolean {
    return place?.some((text) => this.#frames.mayEndWith(text)) ?? false;
  }
}
