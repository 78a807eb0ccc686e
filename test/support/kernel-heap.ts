/** @module A heap for one call of a kernel, which tells what the call has written. */
import { expect } from 'vitest';

/** Nothing a test hands to a kernel lies below. */
const BEGIN = 1024;

export class KernelHeap {
  readonly memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
  readonly #bytes = new Uint8Array(this.memory.buffer);
  readonly #writable: { from: number; to: number }[] = [];
  #end = BEGIN;

  /** Forgets everything of the last call, and fills the heap with something that is not zero. */
  clear(): void {
    this.#bytes.fill(0xa5, 0, this.#end + 64);
    this.#writable.length = 0;
    this.#end = BEGIN;
  }

  /** Puts `content` where it may be read. @returns its address */
  input(content: ArrayBufferView): number {
    const at = this.#end;
    this.#bytes.set(new Uint8Array(content.buffer, content.byteOffset, content.byteLength), at);
    this.#end = at + Math.ceil(content.byteLength / 4) * 4;
    if (this.#end + 64 > this.#bytes.length) throw new Error('the test’s heap is too small');
    return at;
  }

  /** Room that may be written. @returns its address */
  output(bytes: number): number {
    const at = this.#end;
    this.#end += Math.ceil(bytes / 4) * 4;
    this.#writable.push({ from: at, to: at + bytes });
    return at;
  }

  /** Lets a part of an input be written too. */
  allow(at: number, bytes: number): void {
    this.#writable.push({ from: at, to: at + bytes });
  }

  bytes(at: number, length: number): Uint8Array {
    return this.#bytes.slice(at, at + length);
  }

  floats(at: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer.slice(at, at + 4 * length));
  }

  /** Calls, and looks that nothing was written but what may be. */
  watch(call: () => void): void {
    const end = this.#end + 64;
    const before = this.#bytes.slice(0, end);
    call();
    const after = this.#bytes.slice(0, end);
    for (const { from, to } of this.#writable) after.set(before.subarray(from, to), from);
    expect(Buffer.compare(after, before), 'the kernel wrote where nothing was its own').toBe(0);
  }
}
