/** @module A list of token ids that grows. */

const INITIAL_CAPACITY = 64;

export class Ids {
  #ids = new Int32Array(INITIAL_CAPACITY);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(id: number): void {
    if (this.#length === this.#ids.length) this.reserve(1);
    this.#ids[this.#length++] = id;
  }

  /** Makes room for `count` more ids, which then are pushed without a copy of those before them. */
  reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#ids.length) return;
    const grown = new Int32Array(Math.max(needed, 2 * this.#ids.length));
    grown.set(this.#ids.subarray(0, this.#length));
    this.#ids = grown;
  }

  /** A copy of the ids. */
  toArray(): Int32Array<ArrayBuffer> {
    return this.#ids.slice(0, this.#length);
  }
}
