/**
 * @module Reads the texts of an automaton as bytes. A state of the automaton with the numbers of code points that may
 * still follow is a frame, and so is every place inside a character.
 */

import type { CompileBudget } from '../automaton/errors.ts';
import type { Frame } from '../automaton/frame.ts';
import { NO_CLASS } from './alphabet.ts';
import { type CharNode, CharNodes, leastJsonLength, type Slices } from './char-node.ts';
import { MAX_CODE_POINT } from './code-points.ts';
import { DEAD, type Dfa, NO_LABEL, targetOf } from './dfa.ts';
import { Kind, utf8Length } from './encodings.ts';
import { type Costs, costsOf, distancesOf, LengthTable } from './lengths.ts';
import { CharFrame, TextFrame } from './reader-frames.ts';

/** Frames with counts that a reader keeps. Beyond it they are made anew. */
const MAX_COUNTED = 2_000;

const NOTHING: readonly Frame[] = [];

export class TextReader {
  readonly dfa: Dfa;
  /** Whether it reads a JSON string up to and including the quote at its end. Else it reads raw text. */
  readonly isJson: boolean;
  readonly #universal: TextReader | undefined;
  readonly #nodes = new CharNodes();
  readonly #roots: (CharNode | undefined)[] = [];
  readonly #uncounted = new Map<CharNode | number, Frame>();
  readonly #counted = new Map<string, Frame>();
  readonly #ids = new Map<CharNode, number>();
  #costs: Costs | undefined;
  #distances: Float64Array | undefined;
  #lengths: LengthTable | undefined;

  /**
   * @param dfa from every state of which a text can end
   * @param universal the reader of all texts: it takes the place of states after which anything may follow, so that
   *   their masks are shared
   */
  constructor(dfa: Dfa, isJson: boolean, universal?: TextReader) {
    this.dfa = dfa;
    this.isJson = isJson;
    this.#universal = universal;
  }

  /** Numbers that the reader keeps, about: it grows as texts are read. */
  get weight(): number {
    const frames = this.#uncounted.size + this.#counted.size;
    return 10 * frames + this.#nodes.weight + this.dfa.labels.length + (this.#lengths?.weight ?? 0);
  }

  /**
   * Prepares counting.
   * @returns whether there is a text with at least `min` and at most `max` code points
   * @throws ConstraintError beyond the budget
   */
  prepare(min: number, max: number, budget: CompileBudget): boolean {
    if (this.dfa.labels.length === 0) return false;
    if (min <= 0 && max === Infinity) return true;
    this.#universal?.prepare(min, max, budget);
    this.#lengths ??= new LengthTable(this.dfa, this.#costsOf());
    this.#lengths.extend(Number.isFinite(max) ? max : Infinity, budget);
    return this.#isAlive(0, Math.max(min, 0), max);
  }

  /** The frame before the first character. `prepare` has returned true for the counts. */
  start(min = 0, max = Infinity): Frame {
    return this.inside(0, Math.max(min, 0), max);
  }

  /** The frame at a state, with at least `min` and at most `max` code points to come. */
  inside(state: number, min: number, max: number): Frame {
    if (this.#universal && this.#isUniversal(state)) return this.#universal.inside(0, min, max);
    if (min === 0 && max === Infinity) {
      let frame = this.#uncounted.get(state);
      if (!frame) {
        frame = new TextFrame(this, state, this.#root(state), min, max);
        this.#uncounted.set(state, frame);
      }
      return frame;
    }
    return this.#count(
      `${state},${min},${max}`,
      () => new TextFrame(this, state, this.#countedRoot(state, min, max), min, max),
    );
  }

  /** The frame inside a character, with the numbers of code points after it. */
  within(node: CharNode, min: number, max: number): Frame {
    if (min === 0 && max === Infinity) {
      let frame = this.#uncounted.get(node);
      if (!frame) {
        frame = new CharFrame(this, node, min, max);
        this.#uncounted.set(node, frame);
      }
      return frame;
    }
    let id = this.#ids.get(node);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(node, id);
    }
    return this.#count(`char${id},${min},${max}`, () => new CharFrame(this, node, min, max));
  }

  /** The frames after a character. */
  enter(state: number, min: number, max: number): readonly Frame[] {
    const frame = this.inside(state, min, max);
    return frame.isDone && frame.bytes.length === 0 ? NOTHING : [frame];
  }

  accepts(state: number, min: number): boolean {
    return min === 0 && this.dfa.labels[state] !== NO_LABEL;
  }

  /** Bytes up to the end, the quote included. */
  distance(state: number, min: number, max: number): number {
    if (min === 0 && max === Infinity) {
      this.#distances ??= distancesOf(this.dfa, this.#costsOf());
      return (this.#distances[state] as number) + (this.isJson ? 1 : 0);
    }
    return (this.#lengths as LengthTable).least(state, min, max) + (this.isJson ? 1 : 0);
  }

  /**
   * Numbers of code points for which the same is allowed for the next `length` bytes, and for as many frames as
   * possible the same ones.
   */
  near(min: number, max: number, length: number): readonly [min: number, max: number] {
    const { first, period, isEven } = this.#lengths as LengthTable;
    if (period === 0) return [min, max];
    // A byte ends at most one character.
    const settled = first + length;
    const far = max >= Math.max(min, settled) + period;
    const shift = isEven && min > settled ? Math.floor((min - settled) / period) * period : 0;
    return [min - shift, far ? Infinity : max - shift];
  }

  /** Whether all texts are accepted from the state on. */
  #isUniversal(state: number): boolean {
    const { labels, fallback, offsets } = this.dfa;
    return labels[state] !== NO_LABEL && fallback[state] === state && offsets[state] === offsets[state + 1];
  }

  #isAlive(state: number, min: number, max: number): boolean {
    return (this.#lengths as LengthTable).has(state, min, max);
  }

  #costsOf(): Costs {
    this.#costs ??= costsOf(this.dfa, this.isJson ? leastJsonLength : utf8Length);
    return this.#costs;
  }

  #root(state: number): CharNode {
    this.#roots[state] ??= this.#nodes.get(this.isJson ? Kind.string : Kind.text, this.#slices(state));
    return this.#roots[state];
  }

  /** Leaves out the characters after which the text would get too long or too short. */
  #countedRoot(state: number, min: number, max: number): CharNode {
    const root = this.#root(state);
    const kept: number[] = [];
    const live = new Map<number, boolean>();
    for (let i = 0; i < root.slices.length; i += 3) {
      const target = root.slices[i + 2] as number;
      let isLive = live.get(target);
      if (isLive === undefined) {
        isLive = max > 0 && this.#isAlive(target, Math.max(min - 1, 0), max - 1);
        live.set(target, isLive);
      }
      if (isLive) kept.push(root.slices[i] as number, root.slices[i + 1] as number, target);
    }
    return kept.length === root.slices.length ? root : this.#nodes.get(root.kind, kept);
  }

  #slices(state: number): Slices {
    const { alphabet } = this.dfa;
    const slices: number[] = [];
    alphabet.classes.forEach((symbol, i) => {
      const target = symbol === NO_CLASS ? DEAD : targetOf(this.dfa, state, symbol);
      if (target === DEAD) return;
      const low = alphabet.starts[i] as number;
      const high = (alphabet.starts[i + 1] ?? MAX_CODE_POINT + 1) - 1;
      if (slices.at(-1) === target && slices.at(-2) === low - 1) slices[slices.length - 2] = high;
      else slices.push(low, high, target);
    });
    return slices.slice();
  }

  #count(key: string, create: () => Frame): Frame {
    let frame = this.#counted.get(key);
    if (!frame) {
      frame = create();
      if (this.#counted.size >= MAX_COUNTED) this.#counted.clear();
      this.#counted.set(key, frame);
    }
    return frame;
  }
}
