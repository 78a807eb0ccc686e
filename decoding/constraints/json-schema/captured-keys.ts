/** @module Keys from which those after them must differ. */
import type { Continuation, Frame, Reading } from '../automaton/frame.ts';
import { frameAfter, QUOTE } from './frame-steps.ts';

/** Keys at one place in an object. */
export class CapturedKeys {
  /** Behind the opening quote. */
  readonly start: Frame;
  readonly #after: (key: string) => readonly Frame[];
  readonly #frames = new Map<string, Frame>();

  /**
   * @param keys reads the keys behind their opening quote, with the quote at their end
   * @param after what follows a whole key
   */
  constructor(keys: Frame, after: (key: string) => readonly Frame[]) {
    this.#after = after;
    this.start = this.frame('', keys);
  }

  /** @param text the key so far, one code unit for each byte */
  frame(text: string, key: Frame): Frame {
    let frame = this.#frames.get(text);
    if (!frame) {
      frame = new CapturedFrame(this, text, key);
      this.#frames.set(text, frame);
    }
    return frame;
  }

  /** What follows the whole key. */
  after(text: string): readonly Frame[] {
    const bytes = Uint8Array.from(text, (unit) => unit.charCodeAt(0));
    return this.#after(JSON.parse(`"${new TextDecoder().decode(bytes)}"`) as string);
  }

  /** Bytes behind the closing quote. */
  bytesAfter(text: string, key: Frame): number {
    // What is left after the key depends only on whether it is the empty one.
    return (
      key.distance + this.after(this.#shortest(text, key)).reduce((sum, { distance }) => sum + distance, 0)
    );
  }

  /** The key with the fewest bytes that begins with `text`. */
  #shortest(text: string, key: Frame): string {
    let whole = text;
    for (let at: Frame | undefined = key; at && at.distance > 1; ) {
      const { distance }: Frame = at;
      const byte: number | undefined = at.bytes.find(
        (candidate) => candidate !== QUOTE && frameAfter(at as Frame, candidate)?.distance === distance - 1,
      );
      if (byte === undefined) break;
      whole += String.fromCharCode(byte);
      at = frameAfter(at, byte);
    }
    return whole;
  }
}

class CapturedFrame implements Frame {
  readonly isDone = false;
  readonly #keys: CapturedKeys;
  readonly #text: string;
  readonly #key: Frame;
  #distance: number | undefined;

  constructor(keys: CapturedKeys, text: string, key: Frame) {
    this.#keys = keys;
    this.#text = text;
    this.#key = key;
  }

  get bytes(): readonly number[] {
    return this.#key.bytes;
  }

  get continuation(): Continuation {
    // A later key may be longer by one byte if this one is the empty key.
    return { of: this.#key, farther: this.distance - this.#key.distance + 1 };
  }

  get distance(): number {
    this.#distance ??= this.#keys.bytesAfter(this.#text, this.#key);
    return this.#distance;
  }

  step(byte: number): readonly Reading[] {
    const key = frameAfter(this.#key, byte);
    if (key) return [[this.#keys.frame(this.#text + String.fromCharCode(byte), key)]];
    return byte === QUOTE && this.bytes.includes(QUOTE) ? [this.#keys.after(this.#text)] : [];
  }
}
