/** @module Bytes in a buffer that grows: all of them, in order, and no buffer is left behind. */
import { describe, expect, it, vi } from 'vitest';
import { GrowingBytes } from '../../../../worker/http/growing-bytes.ts';

describe('growing bytes', () => {
  it.each([[[]], [[0]], [[5]], [[1, 0, 1]], [Array.from({ length: 300 }, (_, i) => (i * 37) % 101)]])(
    'are all that were appended: %j',
    (sizes) => {
      const bytes = new GrowingBytes();
      const pieces = sizes.map((size, i) => new Uint8Array(size).fill(i + 1));
      const all = pieces.flatMap((piece) => Array.from(piece));
      for (const piece of pieces) bytes.append(piece);
      expect(bytes.length).toBe(all.length);
      const taken = bytes.take();
      expect(Array.from(taken)).toEqual(all);
      expect(taken.buffer.byteLength).toBe(all.length);
      expect(bytes.length).toBe(0);
    },
  );

  it('keep what a reader writes into its window later', () => {
    const window = Uint8Array.of(1, 2, 3);
    const bytes = new GrowingBytes();
    bytes.append(window);
    window.fill(9);
    bytes.append(window);
    expect(Array.from(bytes.take())).toEqual([1, 2, 3, 9, 9, 9]);
  });

  it('free each buffer that they have outgrown', () => {
    const transfer = vi.spyOn(ArrayBuffer.prototype, 'transfer');
    const bytes = new GrowingBytes();
    for (let i = 0; i < 100; i++) bytes.append(new Uint8Array(1000));
    bytes.take();
    const outgrown = transfer.mock.contexts as ArrayBuffer[];
    expect(outgrown.length).toBeGreaterThan(10);
    expect(outgrown.length).toBeLessThan(40);
    for (const buffer of outgrown) expect(buffer.detached).toBe(true);
    transfer.mockRestore();
  });
});
