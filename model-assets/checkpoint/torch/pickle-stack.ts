/** @module The stack and the memo of the machine that reads pickles. Wrong pickles are FormatErrors. */
import { FormatError } from '../interface/format-error.ts';
import { kindOf, Opaque, type PickleDict, type PickleValue, Tuple } from './values.ts';

/** Of all calls together: as many as a file has opcodes. Each tensor's call has some ten. */
const MAX_ARGUMENT_ITEMS = 2_000_000;

export class PickleStack {
  #argumentItems = 0;
  readonly #values: PickleValue[] = [];
  /** Heights of the stack. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();

  push(value: PickleValue): void {
    this.#values.push(value);
  }

  pop(): PickleValue {
    const value = this.top();
    this.#values.pop();
    return value;
  }

  top(): PickleValue {
    const value = this.#values.at(-1);
    if (value === undefined || this.#values.length <= (this.#marks.at(-1) ?? 0)) {
      throw new FormatError('has a pickle that takes a value from an empty stack');
    }
    return value;
  }

  /** @returns the upper `count` values, the deepest first. */
  popItems(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  /**
   * A call may copy what is in its arguments, which the memo lends to any number of calls: all of them together
   * bound the memory.
   */
  countArguments(args: readonly PickleValue[]): void {
    for (const value of args) {
      if (value instanceof Tuple) this.#argumentItems += value.items.length;
      else if (Array.isArray(value)) this.#argumentItems += value.length;
    }
    if (this.#argumentItems > MAX_ARGUMENT_ITEMS) {
      throw new FormatError(
        `has a pickle that calls functions with more than ${MAX_ARGUMENT_ITEMS} items in lists and tuples`,
      );
    }
  }

  mark(): void {
    this.#marks.push(this.#values.length);
  }

  /** @returns the values above the last mark. */
  popMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new FormatError('has a pickle that lacks a mark');
    return this.#values.splice(mark);
  }

  /** Keeps the uppermost value. */
  remember(index: number = this.#memo.size): void {
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) {
      throw new FormatError(`has a pickle that refers to object ${index} before it exists`);
    }
    this.#values.push(value);
  }
}

/** Adds to a list or a set. */
export function append(target: PickleValue, values: readonly PickleValue[]): void {
  if (target instanceof Opaque) return;
  for (const value of values) {
    if (Array.isArray(target)) target.push(value);
    else if (target instanceof Set) target.add(value);
    else throw new FormatError(`has a pickle that appends to ${kindOf(target)}`);
  }
}

/** @param items keys and values in turn. */
export function setItems(target: PickleValue, items: readonly PickleValue[]): void {
  if (target instanceof Opaque) return;
  if (!(target instanceof Map)) throw new FormatError(`has a pickle that sets an item of ${kindOf(target)}`);
  if (items.length % 2 === 1) throw new FormatError('has a pickle with a key that has no value');
  for (let i = 0; i < items.length; i += 2) target.set(items[i] ?? null, items[i + 1] ?? null);
}

export function dictOf(items: readonly PickleValue[]): PickleDict {
  const dict: PickleDict = new Map();
  setItems(dict, items);
  return dict;
}

export function tupleItems(value: PickleValue): readonly PickleValue[] {
  if (value instanceof Tuple) return value.items;
  throw new FormatError(`has a pickle that calls a function with ${kindOf(value)}, expected a tuple`);
}
