/** @module The attention kernel against a reference implementation in double precision. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AttentionKernel, attentionKernel } from '../../../../engine/kernels/attention.ts';
import { wasmPath } from '../../../../engine/kernels/build.ts';

const memory = new WebAssembly.Memory({ initial: 64, maximum: 64 });
const floats = new Float32Array(memory.buffer);
const words = new Uint32Array(memory.buffer);
/** Addresses in the test's memory. */
const [PATHS, LISTS, WEIGHTS, QKV, CONTEXT, POOL] = [1024, 4096, 65_536, 131_072, 524_288, 1_048_576];

interface Case {
  readonly heads: number;
  readonly size: number;
  /** Length of each row's path, the row itself included. */
  readonly lengths: readonly number[];
  readonly seed: number;
}

const cases = fc.record({
  heads: fc.integer({ min: 1, max: 5 }),
  size: fc.oneof(fc.constantFrom(64, 32, 80), fc.integer({ min: 1, max: 70 })),
  lengths: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
  seed: fc.nat(),
});

describe('the attention kernel', () => {
  let kernel: AttentionKernel;
  beforeAll(async () => {
    kernel = attentionKernel(await WebAssembly.compile(await readFile(wasmPath('attention'))), memory);
  });

  it('computes softmax(scale · q·K) · V of each path', () => {
    fc.assert(
      fc.property(cases, (testCase) => {
        const { slots, qkv } = writeCase(testCase, [...Array(testCase.lengths.length * 100).keys()]);
        const context = run(testCase);
        const expected = reference(testCase, slots, qkv);
        context.forEach((value, i) => {
          expect(Math.abs(value - (expected[i] ?? Number.NaN))).toBeLessThan(2e-5);
        });
      }),
      { numRuns: 200 },
    );
  });

  it('gives a row the same bits in any slots and any batch', () => {
    fc.assert(
      fc.property(cases, fc.array(fc.nat(), { minLength: 500, maxLength: 500 }), (testCase, shuffle) => {
        const inOrder = [...Array(500).keys()];
        writeCase(testCase, inOrder);
        const batched = run(testCase);
        writeCase(
          testCase,
          inOrder.toSorted((a, b) => (shuffle[a] ?? 0) - (shuffle[b] ?? 0)),
        );
        expect(run(testCase)).toEqual(batched);
        const width = testCase.heads * testCase.size;
        testCase.lengths.forEach((_, row) => {
          expect(run(testCase, row)).toEqual(batched.slice(row * width, (row + 1) * width));
        });
      }),
      { numRuns: 60 },
    );
  });

  it('handles equal, distant and large scores', () => {
    const testCase = { heads: 1, size: 4, lengths: [3], seed: 0 };
    writeCase(testCase, [0, 1, 2]);
    const key = (slot: number) => POOL / 4 + slot * 4;
    const value = (slot: number) => key(slot) + 500 * 4;
    for (const [scores, expected] of [
      [
        [0, 0, 0],
        [1 / 3, 1 / 3, 1 / 3],
      ],
      [
        [1000, 0, -1000],
        [1, 0, 0],
      ],
      [
        [-5000, -5000, -5001],
        [0.422_319, 0.422_319, 0.155_362],
      ],
    ] as const) {
      floats.set([1, 0, 0, 0], QKV / 4);
      scores.forEach((score, slot) => {
        floats.set([score, 0, 0, 0], key(slot));
        floats.set([slot === 0 ? 1 : 0, slot === 1 ? 1 : 0, slot === 2 ? 1 : 0, 0], value(slot));
      });
      // The kernel stores the row's own key and value before attention.
      floats.copyWithin(QKV / 4 + 4, key(2), key(2) + 4);
      floats.copyWithin(QKV / 4 + 8, value(2), value(2) + 4);
      run(testCase, undefined, 1)
        .slice(0, 3)
        .forEach((weight, i) => {
          expect(weight).toBeCloseTo(expected[i] ?? Number.NaN, 5);
        });
    }
  });

  /**
   * Fills rows and slots with numbers that depend on row and token only.
   * @param order of the tokens' slots
   */
  function writeCase({ heads, size, lengths, seed }: Case, order: readonly number[]) {
    const width = heads * size;
    const element = (i: number) => Math.fround(Math.sin((seed % 1000) + i * 12.9898) * 2);
    const qkv = Array.from({ length: lengths.length * 3 * width }, (_, i) => element(i));
    floats.set(qkv, QKV / 4);
    let nextToken = 0;
    let list = LISTS;
    const slots = lengths.map((length, row) => {
      const path = Array.from({ length }, () => POOL + (order[nextToken++] ?? 0) * width * 4);
      path.forEach((slot, t) => {
        const base = (row * 100 + t) * 2 * width;
        for (let i = 0; i < width; i++) {
          floats[slot / 4 + i] = element(base + i);
          floats[slot / 4 + 500 * width + i] = element(base + width + i);
        }
      });
      words.set(path, list / 4);
      words.set([list, length], PATHS / 4 + 2 * row);
      list += 4 * length;
      return path;
    });
    return { slots, qkv };
  }

  /** Runs all rows, or only one of them. */
  function run({ heads, size, lengths }: Case, row?: number, scale = 0.3): Float32Array {
    const width = heads * size;
    const rows = row === undefined ? lengths.length : 1;
    const firstRow = row ?? 0;
    kernel.attend(
      QKV + firstRow * 3 * width * 4,
      CONTEXT,
      rows,
      PATHS + firstRow * 8,
      0,
      500 * width * 4,
      heads,
      size,
      scale,
      WEIGHTS,
    );
    return floats.slice(CONTEXT / 4, CONTEXT / 4 + rows * width);
  }

  /** The formula in double precision, over the keys and values in memory after a run. */
  function reference(
    { heads, size, lengths }: Case,
    slots: readonly number[][],
    qkv: readonly number[],
  ): number[] {
    const width = heads * size;
    return lengths.flatMap((_, row) =>
      Array.from({ length: width }, (_, i) => {
        const head = Math.floor(i / size) * size;
        const path = slots[row] ?? [];
        const element = (slot: number, j: number) => floats[slot / 4 + j] ?? Number.NaN;
        const scores = path.map((slot) => {
          let dot = 0;
          for (let j = 0; j < size; j++)
            dot += (qkv[row * 3 * width + head + j] ?? 0) * element(slot, head + j);
          return 0.3 * dot;
        });
        const largest = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - largest));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        return path.reduce(
          (sum, slot, t) => sum + ((weights[t] ?? 0) / total) * element(slot, 500 * width + i),
          0,
        );
      }),
    );
  }
});
