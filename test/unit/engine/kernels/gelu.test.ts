/** @module GELU fused with quantization, against onnxruntime's FastGelu and the reference quantization, bit for bit. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  DOT_PRODUCTS,
  type LinearKernels,
  linearKernels,
  quantizedBytes,
} from '../../../../engine/kernels/linear.ts';
import { startOrt } from '../../../../engine/node/load-engine.ts';
import type { Ort } from '../../../../engine/runtime/ort.ts';
import { createSessions, type Session } from '../../../../engine/runtime/session.ts';
import { paddedRows } from '../../../../model-assets/format/packed.ts';
import { activation } from '../../../../model-assets/graphs/activations.ts';
import { Graph } from '../../../../model-assets/graphs/onnx.ts';
import { KernelHeap } from '../../../support/kernel-heap.ts';
import { emulatedModules } from '../../../support/linear-kernels.ts';
import { mulberry32, quantizeRow } from '../../../support/plain-rows.ts';

const heap = new KernelHeap();
let ort: Ort;
let fastGelu: Session;

beforeAll(async () => {
  ort = await startOrt();
  const graph = new Graph('activation');
  const x = graph.input('x', 'float32', ['rows', 'n']);
  graph.output('y', activation(graph, x, 'gelu_new'), 'float32', ['rows', 'n']);
  ({ activation: fastGelu } = createSessions(ort, { activation: graph.encode() }));
});
afterAll(() => fastGelu.release());

const shapes = fc.record({
  rows: fc.integer({ min: 1, max: 9 }),
  n: fc.oneof(fc.constantFrom(32, 64, 96), fc.integer({ min: 1, max: 150 })),
  seed: fc.nat(),
});

describe.each(DOT_PRODUCTS)('GELU, %s', (form) => {
  let kernels: LinearKernels;
  beforeAll(async () => {
    ({ kernels } = linearKernels(await emulatedModules(form), heap.memory));
  });

  it("equals onnxruntime's FastGelu, quantized like any other rows, and writes nothing else", () => {
    fc.assert(
      fc.property(shapes, ({ rows, n, seed }) => {
        const x = activations(rows * n, seed);
        const expected = runFastGelu(x, rows, n);
        const { y, quantized } = runKernel(kernels, x, rows, n);
        expect(y).toEqual(expected);
        heap.clear();
        const input = heap.input(expected);
        const again = heap.output(quantizedBytes(rows, n));
        kernels.quantizeRows(input, rows, n, again);
        // Codes, offsets and scales; not every form needs the corrections after them, and the rest is scratch.
        const padded = paddedRows(n);
        const length = rows * (padded + padded / 4 + 4);
        expect(quantized.subarray(0, length)).toEqual(heap.bytes(again, length));
        const first = quantizeRow(expected.subarray(0, n));
        expect(new Int8Array(quantized.buffer, 0, n)).toEqual(first.codes);
      }),
      { numRuns: 100 },
    );
  });

  it('gives NaN scales to rows with NaN or infinity only', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const x = activations(3 * 40, 1);
      x[45] = value;
      const { quantized } = runKernel(kernels, x, 3, 40);
      const scales = new Float32Array(quantized.slice(3 * (64 + 2 * 8)).buffer, 0, 3);
      expect([...scales].map(Number.isNaN)).toEqual([false, true, false]);
    }
  });
});

/** Values where GELU bends, where tanh is bounded, and near the limits of float32. */
function activations(length: number, seed: number): Float32Array {
  const random = mulberry32(seed);
  const magnitudes = [1, 4, 12, 1e-3, 1e-30, 1e10];
  return Float32Array.from({ length }, () => {
    const magnitude = magnitudes[Math.floor(random() * magnitudes.length)] ?? 0;
    return (random() * 2 - 1) * magnitude;
  });
}

function runFastGelu(x: Float32Array, rows: number, n: number): Float32Array {
  const [from, to] = [
    ort.heap.allocate(x.byteLength, 'activations'),
    ort.heap.allocate(x.byteLength, 'activations'),
  ];
  ort.heap.floats(from, x.length).set(x);
  const tensors = { x: ort.tensor('float32', from, [rows, n]), y: ort.tensor('float32', to, [rows, n]) };
  try {
    fastGelu.run({ x: tensors.x }, { y: tensors.y });
    return ort.heap.floats(to, x.length).slice();
  } finally {
    for (const tensor of Object.values(tensors)) ort.releaseTensor(tensor);
    for (const address of [from, to]) ort.heap.free(address);
  }
}

function runKernel(kernels: LinearKernels, x: Float32Array, rows: number, n: number) {
  heap.clear();
  const address = heap.input(x);
  heap.makeWritable(address, x.byteLength);
  const quantized = heap.output(quantizedBytes(rows, n));
  heap.checkWrites(() => kernels.geluQuantized(address, rows, n, quantized));
  return { y: heap.floats(address, x.length), quantized: heap.bytes(quantized, quantizedBytes(rows, n)) };
}
