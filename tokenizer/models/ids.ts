/** @module A list of token ids that grows. */

const INITIAL_CAPACITY = 64;

export class Ids {
  /** The ids, and room for more. Fields, not accessors: a model pushes millions of ids. */
  values = new Int32Array(INITIAL_CAPACITY);
  length = 0;

  push(id: number): void {
    if (this.length === this.values.length) this.reserve(1);
    this.values[this.length++] = id;
  }

  /** Makes room for `count` more ids, which then are pushed without a copy of those before them. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.values.length) return;
    const grown = new Int32Array(Math.max(needed, 2 * this.values.length));
    grown.set(this.values.subarray(0, this.length));
    this.values = grown;
  }

  /** A copy of the ids. */
  toArray(): Int32Array<ArrayBuffer> {
    return this.values.slice(0, this.length);
  }
}
