/** @module The 4-bit linear layer against a reference implementation, bit for bit. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { wasmPath } from '../../../../engine/kernels/build.ts';
import {
  DOT_PRODUCTS,
  hasRelaxedSimd,
  type LinearKernels,
  linearKernels,
  quantizedBytes,
} from '../../../../engine/kernels/linear.ts';
import { kernelModules } from '../../../../engine/node/load-engine.ts';
import { MAX_INPUTS, packInt4 } from '../../../../model-assets/format/packed.ts';
import { KernelHeap } from '../../../support/kernel-heap.ts';
import { emulatedModules } from '../../../support/linear-kernels.ts';
import { mulberry32, quantizeRow, randomRows } from '../../../support/plain-rows.ts';

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
  readAhead: fc.boolean(),
});

describe.each(DOT_PRODUCTS)('the 4-bit linear layer, %s', (form) => {
  let kernels: LinearKernels;
  beforeAll(async () => {
    const chosen = linearKernels(await emulatedModules(form), heap.memory);
    expect(chosen.dotProduct).toBe(form);
    kernels = chosen.kernels;
  });

  it('computes its formula to the last bit, and writes nothing else', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        kernels.setReadAhead(shape.readAhead);
        const layer = randomLayer(shape);
        const x = randomRows(shape.rows, shape.inputs, shape.seed);
        expect(run(kernels, layer, x)).toEqual(reference(layer, x));
      }),
      { numRuns: 150 },
    );
  });

  it('gives a row the same bits in any batch', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const layer = randomLayer(shape);
        const x = randomRows(shape.rows, shape.inputs, shape.seed);
        const batched = run(kernels, layer, x);
        for (let row = 0; row < shape.rows; row++) {
          const alone = run(kernels, layer, x.slice(row * shape.inputs, (row + 1) * shape.inputs));
          expect(alone).toEqual(batched.slice(row * shape.outputs, (row + 1) * shape.outputs));
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
  ])('is exact for MAX_INPUTS inputs, all codes %i times all values %i', (code, value) => {
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
    const y = run(kernels, layer, new Float32Array(MAX_INPUTS).fill(value));
    expect(y).toEqual(new Float32Array(4).fill(Math.fround(sum) * scale));
  });

  it('gives NaN for a row with NaN or infinity, and for no other row', () => {
    const layer = randomLayer({ inputs: 40, outputs: 5, seed: 1 });
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const x = randomRows(3, 40, 1);
      const finite = run(kernels, layer, x);
      x[45] = value;
      const y = run(kernels, layer, x);
      expect(y.slice(5, 10).every(Number.isNaN)).toBe(true);
      expect(y.slice(0, 5)).toEqual(finite.slice(0, 5));
      expect(y.slice(10)).toEqual(finite.slice(10));
    }
  });
});

it.runIf(hasRelaxedSimd())("multiplies the same with this processor's own instruction", async () => {
  const own = linearKernels((await kernelModules()).linear, heap.memory);
  const { kernels: plain } = linearKernels(await emulatedModules('plain'), heap.memory);
  fc.assert(
    fc.property(shapes, (shape) => {
      const layer = randomLayer(shape);
      const x = randomRows(shape.rows, shape.inputs, shape.seed);
      expect(run(own.kernels, layer, x), own.dotProduct).toEqual(run(plain, layer, x));
    }),
    { numRuns: 150 },
  );
});

it('detects relaxed SIMD exactly when its module compiles', async () => {
  expect(hasRelaxedSimd()).toBe(WebAssembly.validate(await readFile(wasmPath('linear-relaxed'))));
});

describe('packInt4', () => {
  it('rejects lengths that do not match the shape, and codes above 15', () => {
    const multipliers = new Uint8Array(3);
    expect(() => packInt4(new Uint8Array(5), multipliers, 2, 3)).toThrow('codes has 5 elements');
    expect(() => packInt4(new Uint8Array(6), new Uint8Array(2), 2, 3)).toThrow('multipliers has 2 elements');
    expect(() => packInt4(Uint8Array.of(0, 1, 2, 16, 4, 5), multipliers, 2, 3)).toThrow('codes[3] is 16');
  });
});

/** Writes all arguments without gaps, runs the kernel, and checks that it changed only `y` and `quantized`. */
function run(kernels: LinearKernels, layer: Layer, x: Float32Array): Float32Array {
  const { inputs, outputs, codes, multipliers, scales, bias } = layer;
  const rows = x.length / inputs;
  heap.clear();
  const [xAddress, weights] = [heap.input(x), heap.input(packInt4(codes, multipliers, inputs, outputs))];
  const [columnScales, biasAddress] = [heap.input(scales), heap.input(bias)];
  const y = heap.output(4 * rows * outputs);
  const quantized = heap.output(quantizedBytes(rows, inputs));
  heap.checkWrites(() => {
    kernels.quantizeRows(xAddress, rows, inputs, quantized);
    kernels.matmulInt4(quantized, rows, inputs, outputs, weights, columnScales, biasAddress, y);
  });
  return heap.floats(y, rows * outputs);
}

/** The formula of `assembly/matmul-int4.ts`, with the same order of roundings. */
function reference(layer: Layer, x: Float32Array): Float32Array {
  const { inputs, outputs, codes, multipliers, scales, bias } = layer;
  const rows = x.length / inputs;
  const y = new Float32Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    const q = quantizeRow(x.subarray(row * inputs, (row + 1) * inputs));
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
  const random = mulberry32(seed);
  const groups = Math.ceil(inputs / 32);
  // A fifth of the tensors have extreme values only.
  const randomCode = random() < 0.2 ? () => (random() < 0.5 ? 0 : 15) : () => Math.floor(random() * 16);
  const randomMultiplier = random() < 0.2 ? () => 255 : () => Math.floor(random() * 256);
  const randomScale = random() < 0.2 ? () => 1e-38 * random() : () => 0.01 * random();
  return {
    inputs,
    outputs,
    codes: Uint8Array.from({ length: inputs * outputs }, randomCode),
    multipliers: Uint8Array.from({ length: groups * outputs }, randomMultiplier),
    scales: Float32Array.from({ length: outputs }, randomScale),
    bias: Float32Array.from({ length: outputs }, () => random() - 0.5),
  };
}
