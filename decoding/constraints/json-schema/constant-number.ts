/** @module One number: its usual spelling, and zeros at the end of its fraction. */
import type { Frame, Reading } from '../automaton/frame.ts';

const POINT = 0x2e;
const ZERO = 0x30;
const NOTHING: readonly Reading[] = [];

/** More zeros, or none. */
const ZEROS: Frame = {
  isDone: true,
  distance: 0,
  bytes: [ZERO],
  step: (byte) => (byte === ZERO ? MORE : NOTHING),
};
const MORE: readonly Reading[] = [[ZEROS]];
const FIRST_ZERO: Frame = { ...ZEROS, isDone: false, distance: 1 };
/** A fraction of zeros, or none. */
const FRACTION: Frame = {
  isDone: true,
  distance: 0,
  bytes: [POINT],
  step: (byte) => (byte === POINT ? [[FIRST_ZERO]] : NOTHING),
};

/** @returns undefined for a number that is written with an exponent, and for 0, which has a sign or none */
export function constantNumberFrame(value: number): Frame | undefined {
  const text = JSON.stringify(value);
  if (value === 0 || text.includes('e')) return undefined;
  return new ConstantFrame(text, 0, text.includes('.') ? ZEROS : FRACTION);
}

class ConstantFrame implements Frame {
  readonly isDone = false;
  readonly distance: number;
  readonly bytes: readonly number[];
  readonly #text: string;
  readonly #at: number;
  readonly #tail: Frame;
  #after: readonly Reading[] | undefined;

  constructor(text: string, at: number, tail: Frame) {
    this.distance = text.length - at;
    this.bytes = [text.charCodeAt(at)];
    this.#text = text;
    this.#at = at;
    this.#tail = tail;
  }

  step(byte: number): readonly Reading[] {
    if (byte !== this.bytes[0]) return NOTHING;
    const next = this.#at + 1;
    this.#after ??= [
      [next < this.#text.length ? new ConstantFrame(this.#text, next, this.#tail) : this.#tail],
    ];
    return this.#after;
  }
}
