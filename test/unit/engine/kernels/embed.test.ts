/** @module The embedding at 4 bits against its dequantized weights, bit for bit. */
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { DOT_PRODUCTS, type LinearKernels, linearKernels } from '../../../../engine/kernels/linear.ts';
import { packInt4 } from '../../../../model-assets/format/packed.ts';
import { emptyErrorSums } from '../../../../model-assets/quantize/error-sums.ts';
import { quantizeInt4 } from '../../../../model-assets/quantize/int4.ts';
import { KernelHeap } from '../../../support/kernel-heap.ts';
import { emulatedModules } from '../../../support/linear-kernels.ts';
import { mulberry32 } from '../../../support/plain-rows.ts';

const POSITIONS = 5;
const heap = new KernelHeap();
const forms: LinearKernels[] = [];
beforeAll(async () => {
  for (const form of DOT_PRODUCTS) {
    forms.push(linearKernels(await emulatedModules(form), heap.memory).kernels);
  }
});

const shapes = fc.record({
  rows: fc.integer({ min: 1, max: 9 }),
  inputs: fc.oneof(fc.constantFrom(32, 64), fc.integer({ min: 1, max: 100 })),
  vocabulary: fc.integer({ min: 1, max: 25 }),
  seed: fc.nat(),
});

it('is `(code - 8) · multiplier · scale + wpe`', () => {
  fc.assert(
    fc.property(shapes, ({ rows, inputs, vocabulary, seed }) => {
      const random = mulberry32(seed);
      const values = (length: number) => Float32Array.from({ length }, () => random() - 0.5);
      const ids = (end: number) => Uint32Array.from({ length: rows }, () => Math.floor(random() * end));
      const wte = quantizeInt4(values(inputs * vocabulary), vocabulary, emptyErrorSums());
      const [tokens, positions] = [ids(vocabulary), ids(POSITIONS)];
      const wpe = values(POSITIONS * inputs);
      const expected = Float32Array.from({ length: rows * inputs }, (_, i) => {
        const [row, k] = [Math.floor(i / inputs), i % inputs];
        const [token, position] = [tokens[row] ?? 0, positions[row] ?? 0];
        const steps = (wte.codes[k * vocabulary + token] ?? Number.NaN) - 8;
        const multiplier = wte.multipliers[Math.floor(k / 32) * vocabulary + token] ?? Number.NaN;
        const weight = Math.fround(steps * multiplier * (wte.scales[token] ?? Number.NaN));
        return weight + (wpe[position * inputs + k] ?? Number.NaN);
      });
      const codes = wte.codes.subarray(0, inputs * vocabulary);
      const packed = packInt4(codes, wte.multipliers, inputs, vocabulary);
      for (const kernels of forms) {
        heap.clear();
        const [at, where] = [heap.input(tokens), heap.input(positions)];
        const [weights, scales, table] = [heap.input(packed), heap.input(wte.scales), heap.input(wpe)];
        const hidden = heap.output(4 * rows * inputs);
        heap.checkWrites(() =>
          kernels.embedInt4(at, where, rows, inputs, vocabulary, weights, scales, table, hidden),
        );
        expect(heap.floats(hidden, rows * inputs)).toEqual(expected);
      }
    }),
    { numRuns: 100 },
  );
});
