/** @module Frames that read a JSON value of a set. */
import type { Frame, Reading } from '../automaton/frame.ts';
import type { Analysis } from './analysis.ts';
import { ArrayReader } from './array-frames.ts';
import { QUOTE } from './frame-steps.ts';
import { literal } from './gap.ts';
import { ANYTHING } from './node.ts';
import { ObjectReader } from './object-frames.ts';
import { type ArrayShape, FALSE, NULL, TRUE, type ValueNode, type WrittenShape } from './values.ts';

const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const CONSTANTS = [
  [NULL, 'null'],
  [TRUE, 'true'],
  [FALSE, 'false'],
] as const;

/** The frames of a compilation, made when they are first reached. */
export class ValueReader {
  readonly analysis: Analysis;
  readonly #any: ValueReader | undefined;
  readonly #values = new Map<ValueNode, Frame>();
  readonly #arrays = new Map<ArrayShape, ArrayReader>();
  readonly #objects = new Map<WrittenShape, ObjectReader>();

  /** @param any reads sets of any value: its frames are shared by all compilations */
  constructor(analysis: Analysis, any?: ValueReader) {
    this.analysis = analysis;
    this.#any = any;
  }

  /** Reads a value of a set that has texts. */
  value(node: ValueNode): Frame {
    if (node === ANYTHING && this.#any) return this.#any.value(node);
    let frame = this.#values.get(node);
    if (!frame) {
      frame = new ValueFrame(this, node);
      this.#values.set(node, frame);
    }
    return frame;
  }

  array(shape: ArrayShape): ArrayReader {
    let reader = this.#arrays.get(shape);
    if (!reader) {
      reader = new ArrayReader(this.analysis.arrayPlan(shape), this, this.analysis.distanceOf);
      this.#arrays.set(shape, reader);
    }
    return reader;
  }

  object(shape: WrittenShape): ObjectReader {
    let reader = this.#objects.get(shape);
    if (!reader) {
      reader = new ObjectReader(this.analysis.objectPlan(shape), this, this.analysis.distanceOf);
      this.#objects.set(shape, reader);
    }
    return reader;
  }
}

/** Before the first byte of a value, which tells its type. */
class ValueFrame implements Frame {
  readonly isDone = false;
  readonly distance: number;
  readonly #reader: ValueReader;
  readonly #node: ValueNode;
  #bytes: readonly number[] | undefined;
  readonly #steps = new Map<number, readonly Reading[]>();

  constructor(reader: ValueReader, node: ValueNode) {
    this.#reader = reader;
    this.#node = node;
    this.distance = reader.analysis.distanceOf(node);
  }

  get bytes(): readonly number[] {
    this.#bytes ??= this.#computeBytes();
    return this.#bytes;
  }

  step(byte: number): readonly Reading[] {
    let after = this.#steps.get(byte);
    if (!after) {
      after = this.#after(byte);
      this.#steps.set(byte, after);
    }
    return after;
  }

  #after(byte: number): readonly Reading[] {
    const { analysis } = this.#reader;
    switch (byte) {
      case QUOTE:
        return this.#node.values.strings.flatMap((piece) => analysis.strings(piece)?.step(byte) ?? []);
      case OPEN_BRACKET:
        return this.#arrays.flatMap((shape) => this.#reader.array(shape).opened);
      case OPEN_BRACE:
        return this.#objects.flatMap((shape) => this.#reader.object(shape).opened);
      default: {
        const { constants, numbers } = this.#node.values;
        for (const [bit, text] of CONSTANTS) {
          if (text.charCodeAt(0) === byte) return constants & bit ? [[literal(text.slice(1))]] : [];
        }
        return analysis.numbers(numbers).flatMap((frame) => frame.step(byte));
      }
    }
  }

  get #arrays(): readonly ArrayShape[] {
    const { analysis } = this.#reader;
    return this.#node.values.arrays.filter(
      (shape) => analysis.arrayPlan(shape).least(analysis.distanceOf) < Infinity,
    );
  }

  get #objects(): readonly WrittenShape[] {
    const { analysis } = this.#reader;
    return analysis
      .objects(this.#node.values.objects)
      .filter((shape) => analysis.objectPlan(shape).least(analysis.distanceOf) < Infinity);
  }

  #computeBytes(): number[] {
    const { analysis } = this.#reader;
    const { constants, numbers, strings } = this.#node.values;
    const bytes = new Set<number>();
    for (const [bit, text] of CONSTANTS) if (constants & bit) bytes.add(text.charCodeAt(0));
    for (const frame of analysis.numbers(numbers)) for (const byte of frame.bytes) bytes.add(byte);
    if (strings.some((piece) => analysis.strings(piece))) bytes.add(QUOTE);
    if (this.#arrays.length > 0) bytes.add(OPEN_BRACKET);
    if (this.#objects.length > 0) bytes.add(OPEN_BRACE);
    return [...bytes].sort((a, b) => a - b);
  }
}
