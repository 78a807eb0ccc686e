/** @module Frames inside objects. */
import type { Frame, Reading } from '../automaton/frame.ts';
import { CapturedKeys, type CapturingObject } from './captured-keys.ts';
import { COMMA, QUOTE, type Values } from './frame-steps.ts';
import { COLON, GAP } from './gap.ts';
import {
  ANY_KEY,
  type DistanceOf,
  type LiveMembers,
  type ObjectPlan,
  type OtherMembers,
} from './object-plan.ts';
import { ObjectMachine, type ObjectState } from './object-states.ts';
import { withQuote } from './text-frames.ts';
import { TextTrie, type TriePlace } from './text-trie.ts';
import type { ValueNode } from './values.ts';

const CLOSE = 0x7d;

type Alternatives = readonly Reading[];

export class ObjectReader implements CapturingObject {
  readonly live: LiveMembers;
  /** The names that can be there. */
  readonly trie: TextTrie;
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
    const numbers = new Map(this.live.names.map((name, i) => [name, i]));
    this.members = this.trie.texts.map((name) => numbers.get(name) as number);
    this.#machine = new ObjectMachine(this.live.costs, this.live.bounds);
    this.#values = values;
  }

  get reservedKeys(): readonly string[] {
    return this.plan.reserved.texts;
  }

  get anyKey(): Frame {
    return ANY_KEY;
  }

  get rest(): ValueNode {
    return (this.live.others[0] as OtherMembers).node;
  }

  /** What may follow the opening brace. */
  get opened(): Alternatives {
    return [[GAP, new FirstFrame(this.frames(this.#machine.start))]];
  }

  frames(state: ObjectState): StateFrames {
    let frames = this.#states.get(state);
    if (!frames) {
      frames = new StateFrames(this, state);
      this.#states.set(state, frames);
    }
    return frames;
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
  #keys: Alternatives | undefined;
  #key: Frame | undefined;

  constructor(reader: ObjectReader, state: ObjectState) {
    this.reader = reader;
    this.state = state;
    this.next = new NextFrame(this);
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

  name(place: TriePlace): Frame {
    let frame = this.#names.get(place);
    if (!frame) {
      frame = new NameFrame(this, place);
      this.#names.set(place, frame);
    }
    return frame;
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

  /** Bytes behind the name of a text. */
  bytesAfterName(text: number): number {
    const member = this.reader.members[text] as number;
    if (!this.state.mayHave(member)) return Infinity;
    const { names, costs } = this.reader.live;
    // The cost of a member counts its key, quotes included.
    const value = (costs[member]?.bytes as number) - 2 - this.reader.trie.bytesOf(text);
    return names.length === 0 ? Infinity : 1 + value + this.state.remainingAfter(member);
  }

  #namedKeys(): Alternatives {
    const { start } = this.reader.trie;
    return start.some((text) => this.mayEndWith(text)) ? [[this.name(start)]] : [];
  }

  #otherKeys(): Alternatives {
    const { state, reader } = this;
    if (!state.mayHaveOther) return [];
    if (state.mustDiffer || state.otherKeys.length > 0) return [[new CapturedKeys(reader, state).start]];
    return reader.live.others.map(({ key, node }) => [key, ...reader.afterKey(node, state.afterOther(''))]);
  }
}

/** After the opening brace. */
class FirstFrame implements Frame {
  readonly isDone = false;
  readonly treatsLettersAlike = true;
  readonly #frames: StateFrames;

  constructor(frames: StateFrames) {
    this.#frames = frames;
  }

  get distance(): number {
    const { state } = this.#frames;
    return state.canEnd ? 1 : state.remaining - 1;
  }

  get bytes(): readonly number[] {
    const { state } = this.#frames;
    return [...(state.mayContinue ? [QUOTE] : []), ...(state.canEnd ? [CLOSE] : [])];
  }

  step(byte: number): Alternatives {
    const { state, keys } = this.#frames;
    if (byte === CLOSE) return state.canEnd ? [[]] : [];
    return byte === QUOTE ? keys : [];
  }
}

/** After a member. */
class NextFrame implements Frame {
  readonly isDone = false;
  readonly treatsLettersAlike = true;
  readonly #frames: StateFrames;

  constructor(frames: StateFrames) {
    this.#frames = frames;
  }

  get distance(): number {
    return this.#frames.state.remaining;
  }

  get bytes(): readonly number[] {
    const { state } = this.#frames;
    return [...(state.mayContinue ? [COMMA] : []), ...(state.canEnd ? [CLOSE] : [])];
  }

  step(byte: number): Alternatives {
    const { state } = this.#frames;
    if (byte === CLOSE) return state.canEnd ? [[]] : [];
    return byte === COMMA && state.mayContinue ? [[GAP, this.#frames.key]] : [];
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
    this.#distance ??= this.#frames.state.remainingWithMember;
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
    return next && this.#leadsOn(next) ? [[frames.name(next)]] : [];
  }

  #leadsOn(place: TriePlace | undefined): boolean {
    return place?.some((text) => this.#frames.mayEndWith(text)) ?? false;
  }
}
