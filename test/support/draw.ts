/** @module Seeded random choices: a failing test can be repeated with its seed. */
import { seededRandom } from '../../decoding/math/random.ts';

export class Draw {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** Uniform in [`minimum`, `maximum`], both included. */
  integer(minimum: number, maximum: number): number {
    return minimum + Math.floor(this.#random() * (maximum - minimum + 1));
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('cannot pick from an empty list');
    return list[this.integer(0, list.length - 1)] as T;
  }

  /** A random permutation (Fisher–Yates shuffle). */
  shuffled<T>(list: readonly T[]): T[] {
    const shuffled = [...list];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const other = this.integer(0, i);
      [shuffled[i], shuffled[other]] = [shuffled[other] as T, shuffled[i] as T];
    }
    return shuffled;
  }
}
