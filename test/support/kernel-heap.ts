/** @module A heap for one kernel call, which detects writes outside of the call's outputs. */
import { expect } from 'vitest';

/** Address of the first allocation. */
const BEGIN = 1024;

export class KernelHeap {
  readonly memory = new WebAssembly.Memory({ initial: 64, maximum: 64 });
  readonly #bytes = new Uint8Array(this.memory.buffer);
  readonly #writable: { from: number; to: number }[] = [];
  #end = BEGIN;

  /** Frees all allocations, and fills the heap with a nonzero pattern. */
  clear(): void {
    this.#bytes.fill(0xa5, 0, this.#end + 64);
    this.#writable.length = 0;
    this.#end = BEGIN;
  }

  /** Allocates a read-only copy of `content`. @returns its address */
  input(content: ArrayBufferView): number {
    const address = this.#end;
    this.#bytes.set(new Uint8Array(content.buffer, content.byteOffset, content.byteLength), address);
    this.#end = address + Math.ceil(content.byteLength / 4) * 4;
    if (this.#end + 64 > this.#bytes.length) throw new Error('the test heap is too small');
    return address;
  }

  /** Allocates writable memory. @returns its address */
  output(bytes: number): number {
    const address = this.#end;
    this.#end += Math.ceil(bytes / 4) * 4;
    this.#writable.push({ from: address, to: address + bytes });
    return address;
  }

  /** Makes a part of an input writable. */
  makeWritable(address: number, bytes: number): void {
    this.#writable.push({ from: address, to: address + bytes });
  }

  bytes(address: number, length: number): Uint8Array {
    return this.#bytes.slice(address, address + length);
  }

  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer.slice(address, address + 4 * length));
  }

  /** Runs `call`, and checks that it wrote to writable memory only. */
  checkWrites(call: () => void): void {
    const end = this.#end + 64;
    const before = this.#bytes.slice(0, end);
    call();
    const after = this.#bytes.slice(0, end);
    for (const { from, to } of this.#writable) after.set(before.subarray(from, to), from);
    expect(Buffer.compare(after, before), 'the kernel wrote outside of its outputs').toBe(0);
  }
}
