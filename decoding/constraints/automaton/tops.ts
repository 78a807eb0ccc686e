/** @module A state that is being made: what lies below a top several times is joined. */
import type { Frame } from './frame.ts';
import type { Alternative, State } from './state.ts';

/** Tops are looked for one by one, up to so many. */
const FEW = 12;

/** The tops of a state that is being made, and for each the states below it, which are to be one. */
export class Tops {
  accepts = false;
  readonly #frames: Frame[] = [];
  readonly #rests: (State | Set<State>)[] = [];
  /** Of many tops. */
  #places: Map<Frame, number> | undefined;
  /** Tops with several states below them. */
  #open = 0;

  get size(): number {
    return this.#frames.length;
  }

  /** Whether each top has one state below it. */
  get isSettled(): boolean {
    return this.#open === 0;
  }

  /** Of a settled one. */
  get alternatives(): Alternative[] {
    return this.#frames.map((frame, i) => ({ frame, rest: this.#rests[i] as State }));
  }

  add(frame: Frame, rest: State): void {
    const place = this.#placeOf(frame);
    if (place < 0) {
      this.#places?.set(frame, this.#frames.length);
      this.#frames.push(frame);
      this.#rests.push(rest);
      if (this.#frames.length === FEW) this.#places = new Map(this.#frames.map((each, i) => [each, i]));
      return;
    }
    const others = this.#rests[place] as State | Set<State>;
    if (others === rest) return;
    if (others instanceof Set) others.add(rest);
    else {
      this.#rests[place] = new Set([others, rest]);
      this.#open++;
    }
  }

  addAll({ accepts, alternatives }: State): void {
    if (accepts) this.accepts = true;
    for (const { frame, rest } of alternatives) this.add(frame, rest);
  }

  /** @returns the states below a top, from a place on, if they are several */
  below(place: number): ReadonlySet<State> | undefined {
    const rests = this.#rests[place];
    return rests instanceof Set ? rests : undefined;
  }

  settle(place: number, rest: State): void {
    this.#rests[place] = rest;
    this.#open--;
  }

  #placeOf(frame: Frame): number {
    return this.#places ? (this.#places.get(frame) ?? -1) : this.#frames.indexOf(frame);
  }
}

/** A state that is being made, while what lies below its tops is made. */
export class Joining {
  /** Of the states that are joined, and their number. */
  readonly key: string;
  readonly states: number;
  readonly tops: Tops;
  /** The top whose turn it is. */
  #place = 0;

  constructor(key: string, states: number, tops: Tops) {
    this.key = key;
    this.states = states;
    this.tops = tops;
  }

  /** @returns the next states below a top that are not one yet */
  nextBelow(known: (key: string) => State | undefined): Joining | undefined {
    for (; this.#place < this.tops.size; this.#place++) {
      const rests = this.tops.below(this.#place);
      if (!rests) continue;
      const ids = Array.from(rests, ({ id }) => id).sort((a, b) => a - b);
      const key = ids.join();
      const joined = known(key);
      if (joined) {
        this.belowIs(joined);
        continue;
      }
      const tops = new Tops();
      for (const rest of rests) tops.addAll(rest);
      return new Joining(key, rests.size, tops);
    }
    return undefined;
  }

  belowIs(state: State): void {
    this.tops.settle(this.#place, state);
  }
}
