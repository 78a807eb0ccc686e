/** @module The 4-bit linear layer against its formula, bit for bit. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { wasmPath } from '../../../../engine/kernels/build.ts';
import {
  hasRelaxedSimd,
  type LinearKernels,
  linearKernels,
  MAX_INPUTS,
  matmulScratchBytes,
} from '../../../../engine/kernels/linear.ts';
import { packInt4 } from '../../../../model-assets/format/pack.ts';
import { KernelHeap } from '../../../support/kernel-heap.ts';
import { generator, quantizePlainly, randomRows } from '../../../support/plain-rows.ts';

const heap = new KernelHeap();

interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly codes: Uint8Array;
  readonly multipliers: Uint8Array;
  readonly scales: Float32Array;
  readonly bias: Float32Array;
}

const shapes = fc.record({
  rows: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(15, 64)),
  inputs: fc.oneof(fc.constantFrom(32, 64, 96), fc.integer({ min: 1, max: 150 })),
  outputs: fc.integer({ min: 1, max: 21 }),
  seed: fc.nat(),
});

describe.each(['relaxed', 'plain'] as const)('the 4-bit linear layer, %s SIMD', (simd) => {
  let kernels: LinearKernels;
  beforeAll(async () => {
    kernels = linearKernels(
      await WebAssembly.compile(await readFile(wasmPath(`linear-${simd}`))),
      heap.memory,
    );
  });

  it('computes its formula to the last bit, and writes nowhere else', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const layer = randomLayer(shape);
        const x = randomRows(shape.rows, shape.inputs, shape.seed);
        expect(run(kernels, layer, x)).toEqual(plainly(layer, x));
      }),
      { numRuns: 150 },
    );
  });

  it('gives a row the same bits whoever else is in the pass', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const layer = randomLayer(shape);
        const x = randomRows(shape.rows, shape.inputs, shape.seed);
        const together = run(kernels, layer, x);
        for (let row = 0; row < shape.rows; row++) {
          const alone = run(kernels, layer, x.slice(row * shape.inputs, (row + 1) * shape.inputs));
          expect(alone).toEqual(together.slice(row * shape.outputs, (row + 1) * shape.outputs));
        }
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    [0, 127],
    [0, -127],
    [15, 127],
    [15, -127],
    [8, 127],
  ])('is exact for the most inputs, all codes %i times all values %i', (code, value) => {
    const layer: Layer = {
      inputs: MAX_INPUTS,
      outputs: 4,
      codes: new Uint8Array(MAX_INPUTS * 4).fill(code),
      multipliers: new Uint8Array((MAX_INPUTS / 32) * 4).fill(255),
      scales: Float32Array.of(1, 1, 1, 1),
      bias: new Float32Array(4),
    };
    const sum = MAX_INPUTS * 255 * value * (code - 8);
    expect(Math.abs(sum)).toBeLessThan(2 ** 31);
    const scale = Math.fround(127 * Math.fround(1 / 127));
    const found = run(kernels, layer, new Float32Array(MAX_INPUTS).fill(value));
    expect(found).toEqual(new Float32Array(4).fill(Math.fround(sum) * scale));
  });

  it('hands on what is not a number, in its row only', () => {
    const layer = randomLayer({ inputs: 40, outputs: 5, seed: 1 });
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const x = randomRows(3, 40, 1);
      const good = run(kernels, layer, x);
      x[45] = bad;
      const found = run(kernels, layer, x);
      expect(found.slice(5, 10).every(Number.isNaN)).toBe(true);
      expect(found.slice(0, 5)).toEqual(good.slice(0, 5));
      expect(found.slice(10)).toEqual(good.slice(10));
    }
  });
});

it('finds relaxed SIMD where its module compiles', async () => {
  expect(hasRelaxedSimd()).toBe(WebAssembly.validate(await readFile(wasmPath('linear-relaxed'))));
});

describe('packInt4', () => {
  it('refuses what is not of the shape', () => {
    const multipliers = new Uint8Array(3);
    expect(() => packInt4(new Uint8Array(5), multipliers, 2, 3)).toThrow('codes has 5 elements');
    expect(() => packInt4(new Uint8Array(6), new Uint8Array(2), 2, 3)).toThrow('multipliers has 2 elements');
    expect(() => packInt4(Uint8Array.of(0, 1, 2, 16, 4, 5), multipliers, 2, 3)).toThrow('codes[3] is 16');
  });
});

/** Lays everything out without a gap, and looks that nothing but the result and the scratch has changed. */
function run(kernels: LinearKernels, layer: Layer, x: Float32Array): Float32Array {
  const { inputs, outputs, codes, multipliers, scales, bias } = layer;
  const rows = x.length / inputs;
  heap.clear();
  const [xAt, weights] = [heap.input(x), heap.input(packInt4(codes, multipliers, inputs, outputs))];
  const [columnScales, biasAt] = [heap.input(scales), heap.input(bias)];
  const y = heap.output(4 * rows * outputs);
  const scratch = heap.output(matmulScratchBytes(rows, inputs));
  heap.watch(() => kernels.matmul(xAt, rows, inputs, outputs, weights, columnScales, biasAt, y, scratch));
  return heap.floats(y, rows * outputs);
}

/** The formula of `assembly/matmul.ts`, in the order of its roundings. */
function plainly(layer: Layer, x: Float32Array): Float32Array {
  const { inputs, outputs, codes, multipliers, scales, bias } = layer;
  const rows = x.length / inputs;
  const y = new Float32Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    const q = quantizePlainly(x.subarray(row * inputs, (row + 1) * inputs));
    for (let n = 0; n < outputs; n++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) {
        const multiplier = multipliers[Math.floor(k / 32) * outputs + n] ?? Number.NaN;
        sum += multiplier * (q.codes[k] ?? Number.NaN) * ((codes[k * outputs + n] ?? Number.NaN) - 8);
      }
      const scaled = Math.fround(Math.fround(sum) * (scales[n] ?? Number.NaN));
      y[row * outputs + n] = Math.fround(scaled * q.scale) + (bias[n] ?? Number.NaN);
    }
  }
  return y;
}

function randomLayer({ inputs, outputs, seed }: { inputs: number; outputs: number; seed: number }): Layer {
  const next = generator(seed);
  const groups = Math.ceil(inputs / 32);
  // Now and then a whole tensor of one extreme.
  const codeOf = next() < 0.2 ? () => (next() < 0.5 ? 0 : 15) : () => Math.floor(next() * 16);
  const multiplierOf = next() < 0.2 ? () => 255 : () => Math.floor(next() * 256);
  const scaleOf = next() < 0.2 ? () => 1e-38 * next() : () => 0.01 * next();
  return {
    inputs,
    outputs,
    codes: Uint8Array.from({ length: inputs * outputs }, codeOf),
    multipliers: Uint8Array.from({ length: groups * outputs }, multiplierOf),
    scales: Float32Array.from({ length: outputs }, scaleOf),
    bias: Float32Array.from({ length: outputs }, () => next() - 0.5),
  };
}
