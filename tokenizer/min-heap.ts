/** @module A binary heap of numbers in a typed array. */

/** Gives back the smallest number first. It holds `capacity` numbers at most; the caller sees to that. */
export class MinHeap {
  readonly #keys: Float64Array;
  size = 0;

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity);
  }

  push(key: number): void {
    const keys = this.#keys;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = keys[parent] as number;
      if (other <= key) break;
      keys[at] = other;
      at = parent;
    }
    keys[at] = key;
  }

  /** The heap must not be empty. */
  pop(): number {
    const keys = this.#keys;
    const smallest = keys[0] as number;
    const key = keys[--this.size] as number;
    let at = 0;
    for (let child = 1; child < this.size; child = 2 * at + 1) {
      if (child + 1 < this.size && (keys[child + 1] as number) < (keys[child] as number)) child++;
      if (key <= (keys[child] as number)) break;
      keys[at] = keys[child] as number;
      at = child;
    }
    keys[at] = key;
    return smallest;
  }
}
