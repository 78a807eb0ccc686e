/** @module The attention kernel over 8-bit keys and values: its stored form and its results. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type AttentionKernel,
  attentionKernel,
  attentionScratchBytes,
  int8RowBytes,
} from '../../../../engine/kernels/attention.ts';
import { wasmPath } from '../../../../engine/kernels/build.ts';
import { KernelHeap } from '../../../support/kernel-heap.ts';
import { mulberry32, quantizeRow } from '../../../support/plain-rows.ts';

const SCALE = 0.3;
const heap = new KernelHeap();

interface Case {
  readonly heads: number;
  readonly size: number;
  /** Length of each row's path, the row itself included. */
  readonly lengths: readonly number[];
  readonly seed: number;
}

/** A token's keys and values, `[heads · size]` each. */
interface Token {
  readonly key: Float32Array;
  readonly value: Float32Array;
}

interface Row {
  readonly query: Float32Array;
  /** The last token is the row's own. */
  readonly path: readonly Token[];
}

const cases = fc.record({
  heads: fc.integer({ min: 1, max: 5 }),
  size: fc.oneof(fc.constantFrom(64, 32, 80), fc.integer({ min: 1, max: 70 })),
  lengths: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
  seed: fc.nat(),
});

describe('the attention kernel at 8 bits', () => {
  let kernel: AttentionKernel;
  beforeAll(async () => {
    kernel = attentionKernel(await WebAssembly.compile(await readFile(wasmPath('attention'))), heap.memory);
  });

  it('stores codes and scales of its own rows, to the last bit, and writes nothing else', () => {
    fc.assert(
      fc.property(cases, (testCase) => {
        const rows = makeRows(testCase);
        run(testCase, rows).stored.forEach((stored, i) => {
          const own = rows[i]?.path.at(-1) as Token;
          expect(Buffer.compare(stored.key, storedRow(testCase, own.key))).toBe(0);
          expect(Buffer.compare(stored.value, storedRow(testCase, own.value))).toBe(0);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('computes softmax(scale · q·K) · V of the stored form, but for 16-bit roundings', () => {
    fc.assert(
      fc.property(cases, (testCase) => {
        const rows = makeRows(testCase);
        const { context } = run(testCase, rows);
        const width = testCase.heads * testCase.size;
        rows.forEach((row, i) => {
          for (let head = 0; head < testCase.heads; head++) {
            const { expected, bound } = reference(testCase, row, head);
            expected.forEach((value, j) => {
              const found = context[i * width + head * testCase.size + j] ?? Number.NaN;
              expect(Math.abs(value - found)).toBeLessThan(bound);
            });
          }
        });
      }),
      { numRuns: 80 },
    );
  });

  it('gives a row the same bits in any slots and any batch', () => {
    fc.assert(
      fc.property(cases, fc.nat(), (testCase, shuffle) => {
        const rows = makeRows(testCase);
        const batched = run(testCase, rows).context;
        expect(run(testCase, rows, shuffle).context).toEqual(batched);
        const width = testCase.heads * testCase.size;
        rows.forEach((row, i) => {
          expect(run(testCase, [row]).context).toEqual(batched.slice(i * width, (i + 1) * width));
        });
      }),
      { numRuns: 60 },
    );
  });

  it.each([1, 2, 255, 4000])('stays within 32 bits for %i tokens of the largest codes', (length) => {
    const testCase = { heads: 1, size: 36, lengths: [length], seed: 1 };
    for (const value of [1, -1]) {
      const token = { key: new Float32Array(36), value: new Float32Array(36).fill(value) };
      const row = { query: new Float32Array(36), path: new Array<Token>(length).fill(token) };
      const { context } = run(testCase, [row]);
      for (const found of context) expect(Math.abs(found - value)).toBeLessThan(1e-6);
    }
  });

  it('handles rows of zeros, and of numbers near the limits of float32', () => {
    const testCase = { heads: 2, size: 20, lengths: [3], seed: 5 };
    const [row] = makeRows(testCase);
    const { query, path } = row as Row;
    for (const factor of [0, 1e-40, 1e-20, 1e18]) {
      const scaled = path.map(({ key, value }) => ({ key, value: value.map((x) => x * factor) }));
      const { context } = run(testCase, [{ query, path: scaled }]);
      const unscaled = run(testCase, [{ query, path }]).context;
      context.forEach((found, i) => {
        const expected = (unscaled[i] ?? Number.NaN) * factor;
        expect(Math.abs(found - expected)).toBeLessThanOrEqual(2e-5 * factor + 1e-30);
      });
      const zeroQuery = run(testCase, [{ query: query.map((x) => x * factor * 1e-20), path }]).context;
      expect(zeroQuery.every(Number.isFinite)).toBe(true);
    }
  });

  /**
   * Writes every token to a slot of its own, and runs all rows.
   * @param shuffle seed for the order of the slots
   */
  function run(testCase: Case, rows: readonly Row[], shuffle?: number) {
    const { heads, size } = testCase;
    const [rowBytes, width] = [int8RowBytes(heads, size), heads * size];
    heap.clear();
    const slots = slotOrder(rows.flatMap(({ path }) => path).length, shuffle);
    const [keys, values] = [new Uint8Array(slots.length * rowBytes), new Uint8Array(slots.length * rowBytes)];
    const qkv = new Float32Array(rows.length * 3 * width);
    const ownOffsets: number[] = [];
    let nextToken = 0;
    const lists = rows.map(({ query, path }, r) =>
      path.map(({ key, value }, t) => {
        const offset = (slots[nextToken++] ?? 0) * rowBytes;
        if (t < path.length - 1) {
          keys.set(storedRow(testCase, key), offset);
          values.set(storedRow(testCase, value), offset);
        } else {
          ownOffsets.push(offset);
          qkv.set([...query, ...key, ...value], r * 3 * width);
        }
        return offset;
      }),
    );
    const qkvAddress = heap.input(qkv);
    const listAddresses = lists.map((list) => heap.input(Uint32Array.from(list)));
    const paths = heap.input(
      Uint32Array.from(lists.flatMap((list, r) => [listAddresses[r] ?? 0, list.length])),
    );
    const keysAddress = heap.input(keys);
    const valueOffset = heap.input(values) - keysAddress;
    const context = heap.output(4 * rows.length * width);
    const scratch = heap.output(attentionScratchBytes(Math.max(...lists.map(({ length }) => length)), size));
    const payload = rowPayload(testCase);
    for (const offset of ownOffsets) heap.makeWritable(keysAddress + offset, payload);
    for (const offset of ownOffsets) heap.makeWritable(keysAddress + valueOffset + offset, payload);
    heap.checkWrites(() =>
      kernel.attendInt8(
        qkvAddress,
        context,
        rows.length,
        paths,
        keysAddress,
        valueOffset,
        heads,
        size,
        SCALE,
        scratch,
      ),
    );
    const stored = ownOffsets.map((offset) => ({
      key: heap.bytes(keysAddress + offset, payload),
      value: heap.bytes(keysAddress + valueOffset + offset, payload),
    }));
    return { context: heap.floats(context, rows.length * width), stored };
  }
});

function slotOrder(count: number, shuffle?: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  if (shuffle === undefined) return order;
  const random = mulberry32(shuffle);
  return order
    .map((i) => ({ i, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ i }) => i);
}

/** Bytes of a stored row without its padding. */
function rowPayload({ heads, size }: Case): number {
  return Math.ceil((heads * size) / 4) * 4 + 4 * heads;
}

/** The expected stored form of a row. */
function storedRow(testCase: Case, x: Float32Array): Uint8Array {
  const { heads, size } = testCase;
  const row = new Uint8Array(rowPayload(testCase)).fill(0);
  for (let head = 0; head < heads; head++) {
    const { codes, scale } = quantizeRow(x.subarray(head * size, (head + 1) * size));
    row.set(new Uint8Array(codes.buffer), head * size);
    row.set(new Uint8Array(Float32Array.of(scale).buffer), row.length - 4 * (heads - head));
  }
  return row;
}

/**
 * One head of one row in double precision, over dequantized keys and values, and a bound for the kernel's
 * error.
 */
function reference({ size }: Case, { query, path }: Row, head: number) {
  const headOf = (x: Float32Array) => x.subarray(head * size, (head + 1) * size);
  const dequantized = (x: Float32Array) => {
    const { codes, scale } = quantizeRow(headOf(x));
    return Array.from(codes, (code) => code * scale);
  };
  const q = headOf(query);
  const keys = path.map(({ key }) => dequantized(key));
  const values = path.map(({ value }) => dequantized(value));
  const scores = keys.map((key) => SCALE * key.reduce((sum, k, i) => sum + k * (q[i] ?? Number.NaN), 0));
  const largest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const expected = Array.from(q, (_, i) =>
    values.reduce((sum, value, t) => sum + ((weights[t] ?? 0) / total) * (value[i] ?? Number.NaN), 0),
  );
  // Errors: of a query, half a step; of a score, that times the key's sum; of a weight, a factor of e^±error.
  const halfStep = maxAbs(q) / 32767 / 2;
  const magnitude = Math.max(...keys.map((key) => key.reduce((sum, k) => sum + Math.abs(k), 0)));
  const error = SCALE * halfStep * magnitude;
  // Error of a value's weight: half a step.
  const scales = path.map(({ value }) => quantizeRow(headOf(value)).scale);
  const weighted = weights.map((weight, t) => weight * (scales[t] ?? Number.NaN));
  const sum = weighted.reduce((all, weight) => all + weight, 0);
  const step = Math.max(maxAbs(weighted) / 32767, sum / (66000 - path.length / 2));
  const rounding = ((path.length / 2) * step * 127) / total;
  const bound = 2 * Math.expm1(2 * error) * Math.max(...values.map(maxAbs)) + rounding + 2e-6;
  return { expected, bound };
}

const maxAbs = (x: ArrayLike<number>) =>
  Array.from(x).reduce((max, value) => Math.max(max, Math.abs(value)), 0);

function makeRows({ heads, size, lengths, seed }: Case): Row[] {
  const random = mulberry32(seed);
  const numbers = () => Float32Array.from({ length: heads * size }, () => random() * 4 - 2);
  return lengths.map((length) => ({
    query: numbers(),
    path: Array.from({ length }, () => ({ key: numbers(), value: numbers() })),
  }));
}
