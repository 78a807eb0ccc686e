/** @module The kernels over a row of logits against plain JavaScript, bit for bit. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { exponential } from '../../../../decoding/math/elementary.ts';
import { kthLargest, SelectionWorkspace } from '../../../../decoding/math/selection.ts';
import { wasmPath } from '../../../../engine/kernels/build.ts';
import {
  type LogitsKernel,
  logitsKernel,
  TABLE_BYTES,
  WEIGHT_STEPS,
} from '../../../../engine/kernels/logits.ts';
import { KernelHeap } from '../../../support/kernel-heap.ts';

const heap = new KernelHeap();
const workspace = new SelectionWorkspace();
let kernel: LogitsKernel;
beforeAll(async () => {
  kernel = logitsKernel(await WebAssembly.compile(await readFile(wasmPath('logits'))), heap.memory);
});

const finite = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -4, max: 4 }) },
  { weight: 6, arbitrary: fc.float({ min: -30, max: 10, noNaN: true }) },
  { weight: 2, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, Number.NEGATIVE_INFINITY) },
);
const any = fc.oneof(
  { weight: 40, arbitrary: finite },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY) },
);
const rowOf = (value: fc.Arbitrary<number>) =>
  fc.array(value, { minLength: 1, maxLength: 90 }).map((values) => Float32Array.from(values));

/** Runs a kernel over a row, which it must not change, with a table and some output. */
function run<T>(
  row: Float32Array,
  outputBytes: number,
  call: (row: number, table: number, out: number) => T,
): T {
  heap.clear();
  const address = heap.input(row);
  const table = heap.output(TABLE_BYTES);
  const output = heap.output(outputBytes);
  let result: T | undefined;
  heap.checkWrites(() => {
    kernel.fillExponentialTable(table);
    result = call(address, table, output);
  });
  return result as T;
}

describe('the kernels over logits', () => {
  it('find the largest, and the first of its kind', () => {
    fc.assert(
      fc.property(rowOf(any), (row) => {
        const expected = Math.max(...row.filter((value) => !Number.isNaN(value)));
        const [largest, index] = run(row, 0, (address) => {
          const found = kernel.largest(address, row.length);
          return [found, kernel.indexOf(address, row.length, found)];
        });
        expect(largest + 0).toBe(expected + 0);
        expect(index).toBe(row.indexOf(expected));
      }),
    );
  });

  it('sum exponentials to the last bit, and count them by size', () => {
    const divisor = fc.oneof(fc.constant(1), fc.float({ min: Math.fround(1e-3), max: 100, noNaN: true }));
    fc.assert(
      fc.property(rowOf(any), divisor, (row, divisor) => {
        const scores = row.map((value) => value / divisor);
        const largest = Math.max(...scores.filter((value) => !Number.isNaN(value)));
        const terms = Array.from(scores, (value) => exponential(value - largest));
        const expected = terms.reduce((sum, term) => sum + term, 0);
        const { sum, counted, counts } = run(row, 4 * WEIGHT_STEPS, (address, table, out) => ({
          sum: kernel.sumExponentials(address, row.length, divisor, largest, table),
          counted: kernel.countExponentials(address, row.length, divisor, largest, table, out),
          counts: new Uint32Array(heap.bytes(out, 4 * WEIGHT_STEPS).buffer),
        }));
        expect([sum, counted]).toEqual([expected, expected]);
        if (Number.isNaN(expected)) return;
        const steps = new Uint32Array(WEIGHT_STEPS);
        for (const [i, term] of terms.entries()) {
          const step = Math.round((-32 / Math.LN2) * ((scores[i] as number) - largest));
          if (term > 0) steps[step] = (steps[step] as number) + 1;
        }
        expect(counts.reduce((all, count) => all + count, 0)).toBe(terms.filter((term) => term > 0).length);
        // A term between two steps may count for either.
        let [moved, mostMoved] = [0, 0];
        for (const [step, count] of counts.entries()) {
          moved += count - (steps[step] as number);
          mostMoved = Math.max(mostMoved, Math.abs(moved));
        }
        expect(mostMoved).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('find the k-th largest, NaN in a row with one, and -Infinity if there are fewer', () => {
    fc.assert(
      fc.property(rowOf(any), fc.integer({ min: 1, max: 100 }), (row, k) => {
        const found = run(row, 4 * k, (address, _, out) => kernel.kthLargest(address, row.length, k, out));
        if (row.some(Number.isNaN)) expect(found).toBeNaN();
        else expect(found).toBe(k > row.length ? Number.NEGATIVE_INFINITY : kthLargest(row, k, workspace));
      }),
    );
  });

  it('list the tokens of at least a logit, up to the capacity', () => {
    fc.assert(
      fc.property(rowOf(any), finite, fc.integer({ min: 1, max: 60 }), (row, least, capacity) => {
        const expected = Array.from(row.keys()).filter((i) => (row[i] as number) >= Math.fround(least));
        const { count, tokens, values } = run(row, 8 * capacity, (address, _, out) => {
          const count = kernel.collect(address, row.length, least, out, out + 4 * capacity, capacity);
          const length = Math.min(count, capacity);
          const tokens = Array.from(new Uint32Array(heap.bytes(out, 4 * length).buffer));
          return { count, tokens, values: heap.floats(out + 4 * capacity, length) };
        });
        expect(count).toBe(Math.min(expected.length, capacity + 1));
        expect(tokens).toEqual(expected.slice(0, capacity));
        expect(values).toEqual(Float32Array.from(tokens, (token) => row[token] as number));
      }),
    );
  });
});
