/** @module The kernel of LoRA adapters against sums in float32, bit for bit, in any company of rows. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import {
  ADAPTER_SCRATCH_BYTES,
  type AdapterKernel,
  adapterKernel,
} from '../../../../engine/kernels/adapter.ts';
import { wasmPath } from '../../../../engine/kernels/build.ts';
import {
  type AdapterDtype,
  type LayerChange,
  packAdapter,
  readAdapter,
} from '../../../../model-assets/format/adapter.ts';
import { KernelHeap } from '../../../support/kernel-heap.ts';
import { mulberry32 } from '../../../support/plain-rows.ts';

const heap = new KernelHeap();
let kernel: AdapterKernel;
beforeAll(async () => {
  kernel = adapterKernel(await WebAssembly.compile(await readFile(wasmPath('adapter'))), heap.memory);
});

const shapes = fc.record({
  rows: fc.integer({ min: 1, max: 11 }),
  width: fc.integer({ min: 1, max: 40 }),
  inner: fc.integer({ min: 1, max: 40 }),
  rank: fc.oneof(fc.constantFrom(8, 16, 64), fc.integer({ min: 1, max: 64 })),
  dtype: fc.constantFrom<AdapterDtype>('float32', 'float16'),
  magnitude: fc.constantFrom(1, 1e-6, 3e4, 1e30, 1e-30),
  seed: fc.nat(),
});

/** `y + scale · (x · A) · B`, each sum in order and in float32. @param a `[inputs, rank]` @param b `[rank, outputs]` */
function reference(
  x: Float32Array,
  a: Float32Array,
  b: Float32Array,
  rank: number,
  scale: number,
  y: Float32Array,
) {
  const product = (row: Float32Array, matrix: Float32Array, columns: number) =>
    Float32Array.from({ length: columns }, (_, column) => {
      let sum = 0;
      for (let i = 0; i < row.length; i++)
        sum = Math.fround(
          sum + Math.fround((row[i] ?? Number.NaN) * (matrix[i * columns + column] ?? Number.NaN)),
        );
      return sum;
    });
  const change = product(product(x, a, rank), b, y.length);
  return y.map((value, i) => Math.fround(value + Math.fround(scale * (change[i] ?? Number.NaN))));
}

/** `scale · (x · A) · B` in float64. */
function changeOf(
  x: Float32Array,
  a: Float32Array,
  b: Float32Array,
  rank: number,
  scale: number,
): Float64Array {
  const low = Float64Array.from({ length: rank }, (_, k) =>
    x.reduce((sum, value, i) => sum + value * (a[i * rank + k] ?? Number.NaN), 0),
  );
  const outputs = b.length / rank;
  return Float64Array.from(
    { length: outputs },
    (_, j) => scale * low.reduce((sum, value, k) => sum + value * (b[k * outputs + j] ?? Number.NaN), 0),
  );
}

/** A matrix as it is packed: in float16 times a power of two, and without what is far smaller than its largest weight. */
function stored(
  file: Uint8Array,
  offset: number,
  inner: number,
  columns: number,
  dtype: AdapterDtype,
): Float32Array {
  const view = new DataView(file.buffer, file.byteOffset);
  return Float32Array.from({ length: inner * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const index = (Math.floor(column / 8) * inner + row) * 8 + (column % 8);
    return dtype === 'float16'
      ? view.getFloat16(offset + 2 * index, true)
      : view.getFloat32(offset + 4 * index, true);
  });
}

it('adds `scale · (x · A) · B` to its rows alone, in the same bits for each whatever others there are', () => {
  fc.assert(
    fc.property(shapes, ({ rows, width, inner, rank, dtype, magnitude, seed }) => {
      const random = mulberry32(seed);
      const values = (length: number, size = 1) =>
        Float32Array.from({ length }, () => size * (random() - 0.5) * (random() < 0.1 ? 1e-9 : 1));
      // c_fc has any number of outputs.
      const base = { n_layer: 1, n_embd: width, n_inner: inner };
      const [a, b] = [values(width * rank, magnitude), values(rank * inner)];
      const scale = Math.fround(1 / magnitude);
      const file = packAdapter(base, dtype, [{ layer: 0, target: 'mlp.c_fc', rank, scale, a, b }]);
      const content = readAdapter(file, base);
      if (typeof content === 'string') throw new Error(content);
      const change = content.layers[2] as LayerChange;
      expect(change.rank).toBe(rank);
      const [x, y] = [values(rows * width), values(rows * inner)];
      const chosen = Array.from({ length: rows }, (_, row) => row).filter(() => random() < 0.7);
      const added = dtype === 'float16' ? kernel.addLowRankF16 : kernel.addLowRankF32;

      heap.clear();
      const [xAt, fileAt] = [heap.input(x), heap.input(file)];
      const yAt = heap.input(y);
      heap.makeWritable(yAt, y.byteLength);
      const scratch = heap.output(ADAPTER_SCRATCH_BYTES);
      const indices = heap.input(Uint32Array.from(chosen));
      const [aAt, bAt] = [fileAt + change.a, fileAt + change.b];
      const count = chosen.length;
      heap.checkWrites(() =>
        added(xAt, width, yAt, inner, indices, count, aAt, bAt, rank, change.scale, scratch),
      );

      const found = heap.floats(yAt, rows * inner);
      const [storedA, storedB] = [
        stored(file, change.a, width, rank, dtype),
        stored(file, change.b, rank, inner, dtype),
      ];
      for (let row = 0; row < rows; row++) {
        const before = y.subarray(row * inner, (row + 1) * inner);
        const input = x.subarray(row * width, (row + 1) * width);
        const expected = chosen.includes(row)
          ? reference(input, storedA, storedB, rank, change.scale, before)
          : before;
        expect([...found.subarray(row * inner, (row + 1) * inner)]).toEqual([...expected]);
      }
      if (dtype === 'float32') return;
      // 11 bits of each weight, relative to sums of absolute values, and nothing of far smaller ones.
      const input = x.subarray(0, width);
      const exact = changeOf(input, a, b, rank, scale);
      const most = changeOf(input.map(Math.abs), a.map(Math.abs), b.map(Math.abs), rank, scale);
      const packed = changeOf(input, storedA, storedB, rank, change.scale);
      const little = 1e-7 * Math.max(...most);
      for (const [i, value] of exact.entries())
        expect(Math.abs(value - (packed[i] ?? Number.NaN))).toBeLessThan((most[i] ?? 0) * 2 ** -9 + little);
    }),
    { numRuns: 150 },
  );
});
