/** @module The 8-bit linear layer and the embedding of `wte` against a reference implementation, bit for bit. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  DOT_PRODUCTS,
  type LinearKernels,
  linearKernels,
  quantizedBytes,
} from '../../../../engine/kernels/linear.ts';
import { packInt8, unpackInt8 } from '../../../../model-assets/format/packed.ts';
import { KernelHeap } from '../../../support/kernel-heap.ts';
import { emulatedModules } from '../../../support/linear-kernels.ts';
import { mulberry32, quantizeRow, randomRows } from '../../../support/plain-rows.ts';

const heap = new KernelHeap();

interface Embedding {
  readonly inputs: number;
  /** `[tokens, inputs]` */
  readonly codes: Int8Array;
  readonly scales: Float32Array;
}

const shapes = fc.record({
  rows: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(12, 15, 50, 64)),
  inputs: fc.oneof(fc.constantFrom(32, 64, 96), fc.integer({ min: 1, max: 150 })),
  tokens: fc.integer({ min: 1, max: 25 }),
  seed: fc.nat(),
  readAhead: fc.boolean(),
});

describe.each(DOT_PRODUCTS)('the 8-bit kernels, %s', (form) => {
  let kernels: LinearKernels;
  beforeAll(async () => {
    const chosen = linearKernels(await emulatedModules(form), heap.memory);
    expect(chosen.dotProduct).toBe(form);
    kernels = chosen.kernels;
  });

  it('compute logits to the last bit, in any batch', () => {
    fc.assert(
      fc.property(shapes, ({ rows, inputs, tokens, seed, readAhead }) => {
        kernels.setReadAhead(readAhead);
        const wte = randomEmbedding(tokens, inputs, seed);
        const x = randomRows(rows, inputs, seed);
        const batched = computeLogits(kernels, wte, x);
        expect(batched).toEqual(referenceLogits(wte, x));
        for (let row = 0; row < rows; row++) {
          const alone = computeLogits(kernels, wte, x.slice(row * inputs, (row + 1) * inputs));
          expect(alone).toEqual(batched.slice(row * tokens, (row + 1) * tokens));
        }
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    [127, 1],
    [-127, 1],
    [-128, 1],
    [-128, -1],
  ])('are exact for all codes %i times all values %i', (code, value) => {
    const inputs = 8192;
    const wte = {
      inputs,
      codes: new Int8Array(5 * inputs).fill(code),
      scales: new Float32Array(5).fill(1),
    };
    const scale = Math.fround(1 / 127);
    const expected = new Float32Array(5).fill(inputs * 127 * code * value * scale);
    expect(computeLogits(kernels, wte, new Float32Array(inputs).fill(value))).toEqual(expected);
  });

  it('add a bias in float32, after both scales', () => {
    fc.assert(
      fc.property(shapes, ({ rows, inputs, tokens, seed }) => {
        const weight = randomEmbedding(tokens, inputs, seed);
        const x = randomRows(rows, inputs, seed);
        const bias = Float32Array.from({ length: tokens }, (_, i) => Math.sin(i + seed));
        const expected = referenceLogits(weight, x).map((y, i) => y + (bias[i % tokens] ?? Number.NaN));
        expect(computeLogits(kernels, weight, x, bias)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  it('embed tokens at positions to the last bit', () => {
    fc.assert(
      fc.property(shapes, ({ rows, inputs, tokens, seed }) => {
        const wte = randomEmbedding(tokens, inputs, seed);
        const random = mulberry32(seed);
        const wpe = Float32Array.from({ length: 7 * inputs }, () => random() - 0.5);
        const ids = Uint32Array.from({ length: rows }, () => Math.floor(random() * tokens));
        const positions = Uint32Array.from({ length: rows }, () => Math.floor(random() * 7));
        heap.clear();
        const [idsAddress, positionsAddress, wpeAddress] = [
          heap.input(ids),
          heap.input(positions),
          heap.input(wpe),
        ];
        const [codes, scales] = writeEmbedding(wte);
        const hidden = heap.output(4 * rows * inputs);
        heap.checkWrites(() =>
          kernels.embed(idsAddress, positionsAddress, rows, inputs, codes, scales, wpeAddress, hidden),
        );
        const expected = Float32Array.from({ length: rows * inputs }, (_, i) => {
          const [row, k] = [Math.floor(i / inputs), i % inputs];
          const [token, position] = [ids[row] ?? Number.NaN, positions[row] ?? Number.NaN];
          const code = wte.codes[token * inputs + k] ?? Number.NaN;
          return (
            Math.fround(code * (wte.scales[token] ?? Number.NaN)) + (wpe[position * inputs + k] ?? Number.NaN)
          );
        });
        expect(heap.floats(hidden, rows * inputs)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });
});

describe('packInt8', () => {
  it('rejects a length that does not match the shape', () => {
    expect(() => packInt8(new Int8Array(5), 3, 2)).toThrow('codes has 5 elements');
  });

  it('is undone by unpackInt8', () => {
    fc.assert(
      fc.property(shapes, ({ inputs, tokens, seed }) => {
        const { codes } = randomEmbedding(tokens, inputs, seed);
        expect(unpackInt8(packInt8(codes, inputs, tokens), inputs, tokens)).toEqual(codes);
      }),
      { numRuns: 50 },
    );
  });
});

function writeEmbedding({ inputs, codes, scales }: Embedding): [codes: number, scales: number] {
  return [heap.input(packInt8(codes, inputs, scales.length)), heap.input(scales)];
}

function computeLogits(
  kernels: LinearKernels,
  wte: Embedding,
  x: Float32Array,
  bias?: Float32Array,
): Float32Array {
  const { inputs, scales } = wte;
  const [rows, tokens] = [x.length / inputs, scales.length];
  heap.clear();
  const xAddress = heap.input(x);
  const [codes, scalesAddress] = writeEmbedding(wte);
  const logits = heap.output(4 * rows * tokens);
  const biasAddress = bias ? heap.input(bias) : 0;
  const quantized = heap.output(quantizedBytes(rows, inputs));
  heap.checkWrites(() => {
    kernels.quantizeRows(xAddress, rows, inputs, quantized);
    kernels.matmulInt8(quantized, rows, inputs, tokens, codes, scalesAddress, biasAddress, logits);
  });
  return heap.floats(logits, rows * tokens);
}

/** The formula of `assembly/matmul-int8.ts`, with the same order of roundings. */
function referenceLogits({ inputs, codes, scales }: Embedding, x: Float32Array): Float32Array {
  const [rows, tokens] = [x.length / inputs, scales.length];
  const logits = new Float32Array(rows * tokens);
  for (let row = 0; row < rows; row++) {
    const q = quantizeRow(x.subarray(row * inputs, (row + 1) * inputs));
    for (let token = 0; token < tokens; token++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) {
        sum += (q.codes[k] ?? Number.NaN) * (codes[token * inputs + k] ?? Number.NaN);
      }
      logits[row * tokens + token] = Math.fround(Math.fround(sum) * (scales[token] ?? Number.NaN)) * q.scale;
    }
  }
  return logits;
}

function randomEmbedding(tokens: number, inputs: number, seed: number): Embedding {
  const random = mulberry32(seed);
  const randomCode =
    random() < 0.2 ? () => (random() < 0.5 ? -127 : 127) : () => Math.floor(random() * 255) - 127;
  return {
    inputs,
    codes: Int8Array.from({ length: tokens * inputs }, randomCode),
    scales: Float32Array.from({ length: tokens }, () => 0.01 * random()),
  };
}
