/** @module Memory of buffers that is given back at once, and not when V8 finds that nobody refers to it. */

/** Frees a buffer's memory; its views have no elements then. Does nothing where the runtime cannot, as in Node 20. */
export function freeBuffer(buffer: Partial<Pick<ArrayBuffer, 'transfer'>>): void {
  buffer.transfer?.(0);
}
