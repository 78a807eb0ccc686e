/** @module The attention kernel over keys and values at 8 bits: what it stores, and what it makes of that. */
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
import { generator, quantizePlainly } from '../../../support/plain-rows.ts';

const SCALE = 0.3;
const heap = new KernelHeap();

interface Case {
  readonly heads: number;
  readonly size: number;
  /** For each row, how many tokens its path has; itself included. */
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
  /** The last one is the row's own. */
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

  it('stores codes and scales of its own rows, to the last bit, and writes nowhere else', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const rows = makeRows(one);
        run(one, rows).stored.forEach((stored, i) => {
          const own = rows[i]?.path.at(-1) as Token;
          expect(Buffer.compare(stored.key, storedRow(one, own.key))).toBe(0);
          expect(Buffer.compare(stored.value, storedRow(one, own.value))).toBe(0);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('computes softmax(scale · q·K) · V of what is stored, but for the 16 bits of query and weights', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const rows = makeRows(one);
        const { context } = run(one, rows);
        const width = one.heads * one.size;
        rows.forEach((row, i) => {
          for (let head = 0; head < one.heads; head++) {
            const { expected, bound } = plainly(one, row, head);
            expected.forEach((value, j) => {
              const found = context[i * width + head * one.size + j] ?? Number.NaN;
              expect(Math.abs(value - found)).toBeLessThan(bound);
            });
          }
        });
      }),
      { numRuns: 80 },
    );
  });

  it('gives the same bits wherever the slots are, and whoever else is in the pass', () => {
    fc.assert(
      fc.property(cases, fc.nat(), (one, shuffle) => {
        const rows = makeRows(one);
        const together = run(one, rows).context;
        expect(run(one, rows, shuffle).context).toEqual(together);
        const width = one.heads * one.size;
        rows.forEach((row, i) => {
          expect(run(one, [row]).context).toEqual(together.slice(i * width, (i + 1) * width));
        });
      }),
      { numRuns: 60 },
    );
  });

  it.each([1, 2, 255, 4000])('stays within 32 bits for %i tokens of the largest codes', (length) => {
    const one = { heads: 1, size: 36, lengths: [length], seed: 1 };
    for (const value of [1, -1]) {
      const token = { key: new Float32Array(36), value: new Float32Array(36).fill(value) };
      const row = { query: new Float32Array(36), path: new Array<Token>(length).fill(token) };
      const { context } = run(one, [row]);
      for (const found of context) expect(Math.abs(found - value)).toBeLessThan(1e-6);
    }
  });

  it('takes rows of zeros, and of numbers next to the limits of float32', () => {
    const one = { heads: 2, size: 20, lengths: [3], seed: 5 };
    const [row] = makeRows(one);
    const { query, path } = row as Row;
    for (const factor of [0, 1e-40, 1e-20, 1e18]) {
      const scaled = path.map(({ key, value }) => ({ key, value: value.map((x) => x * factor) }));
      const { context } = run(one, [{ query, path: scaled }]);
      const unscaled = run(one, [{ query, path }]).context;
      context.forEach((found, i) => {
        const expected = (unscaled[i] ?? Number.NaN) * factor;
        expect(Math.abs(found - expected)).toBeLessThanOrEqual(2e-5 * factor + 1e-30);
      });
      const zeroQuery = run(one, [{ query: query.map((x) => x * factor * 1e-20), path }]).context;
      expect(zeroQuery.every(Number.isFinite)).toBe(true);
    }
  });

  /** Puts all tokens into slots of their own, in an order that `shuffle` decides, and calls. */
  function run(one: Case, rows: readonly Row[], shuffle?: number) {
    const { heads, size } = one;
    const [rowBytes, width] = [int8RowBytes(heads, size), heads * size];
    heap.clear();
    const slots = slotOrder(rows.flatMap(({ path }) => path).length, shuffle);
    const [keys, values] = [new Uint8Array(slots.length * rowBytes), new Uint8Array(slots.length * rowBytes)];
    const qkv = new Float32Array(rows.length * 3 * width);
    const own: number[] = [];
    let next = 0;
    const lists = rows.map(({ query, path }, r) =>
      path.map(({ key, value }, t) => {
        const at = (slots[next++] ?? 0) * rowBytes;
        if (t < path.length - 1) {
          keys.set(storedRow(one, key), at);
          values.set(storedRow(one, value), at);
        } else {
          own.push(at);
          qkv.set([...query, ...key, ...value], r * 3 * width);
        }
        return at;
      }),
    );
    const qkvAt = heap.input(qkv);
    const listsAt = lists.map((list) => heap.input(Uint32Array.from(list)));
    const paths = heap.input(Uint32Array.from(lists.flatMap((list, r) => [listsAt[r] ?? 0, list.length])));
    const keysAt = heap.input(keys);
    const valueOffset = heap.input(values) - keysAt;
    const context = heap.output(4 * rows.length * width);
    const scratch = heap.output(attentionScratchBytes(Math.max(...lists.map(({ length }) => length)), size));
    const payload = rowPayload(one);
    for (const at of own) heap.allow(keysAt + at, payload);
    for (const at of own) heap.allow(keysAt + valueOffset + at, payload);
    heap.watch(() =>
      kernel.attendInt8(qkvAt, context, rows.length, paths, keysAt, valueOffset, heads, size, SCALE, scratch),
    );
    const stored = own.map((at) => ({
      key: heap.bytes(keysAt + at, payload),
      value: heap.bytes(keysAt + valueOffset + at, payload),
    }));
    return { context: heap.floats(context, rows.length * width), stored };
  }
});

function slotOrder(count: number, shuffle?: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  if (shuffle === undefined) return order;
  const next = generator(shuffle);
  return order
    .map((i) => ({ i, key: next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ i }) => i);
}

/** Bytes of a stored row that mean something. */
function rowPayload({ heads, size }: Case): number {
  return Math.ceil((heads * size) / 4) * 4 + 4 * heads;
}

/** A row as the kernel should store it; bytes between codes and scales are the heap's. */
function storedRow(one: Case, x: Float32Array): Uint8Array {
  const { heads, size } = one;
  const row = new Uint8Array(rowPayload(one)).fill(0);
  for (let head = 0; head < heads; head++) {
    const { codes, scale } = quantizePlainly(x.subarray(head * size, (head + 1) * size));
    row.set(new Uint8Array(codes.buffer), head * size);
    row.set(new Uint8Array(Float32Array.of(scale).buffer), row.length - 4 * (heads - head));
  }
  return row;
}

/** One head of one row in double precision, over what its tokens' codes stand for. */
function plainly({ size }: Case, { query, path }: Row, head: number) {
  const part = (x: Float32Array) => x.subarray(head * size, (head + 1) * size);
  const dequantized = (x: Float32Array) => {
    const { codes, scale } = quantizePlainly(part(x));
    return Array.from(codes, (code) => code * scale);
  };
  const q = part(query);
  const keys = path.map(({ key }) => dequantized(key));
  const values = path.map(({ value }) => dequantized(value));
  const scores = keys.map((key) => SCALE * key.reduce((sum, k, i) => sum + k * (q[i] ?? Number.NaN), 0));
  const largest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const expected = Array.from(q, (_, i) =>
    values.reduce((sum, value, t) => sum + ((weights[t] ?? 0) / total) * (value[i] ?? Number.NaN), 0),
  );
  // A query is off by half a step at most, a score by that times the key's sum, a weight by the factor e^±error.
  const halfStep = largestOf(q) / 32767 / 2;
  const magnitude = Math.max(...keys.map((key) => key.reduce((sum, k) => sum + Math.abs(k), 0)));
  const error = SCALE * halfStep * magnitude;
  // A value's weight is off by half a step at most.
  const scales = path.map(({ value }) => quantizePlainly(part(value)).scale);
  const weighted = weights.map((weight, t) => weight * (scales[t] ?? Number.NaN));
  const sum = weighted.reduce((all, weight) => all + weight, 0);
  const step = Math.max(largestOf(weighted) / 32767, sum / (66000 - path.length / 2));
  const rounding = ((path.length / 2) * step * 127) / total;
  const bound = 2 * Math.expm1(2 * error) * Math.max(...values.map(largestOf)) + rounding + 2e-6;
  return { expected, bound };
}

const largestOf = (x: ArrayLike<number>) =>
  Array.from(x).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

function makeRows({ heads, size, lengths, seed }: Case): Row[] {
  const next = generator(seed);
  const numbers = () => Float32Array.from({ length: heads * size }, () => next() * 4 - 2);
  return lengths.map((length) => ({
    query: numbers(),
    path: Array.from({ length }, () => ({ key: numbers(), value: numbers() })),
  }));
}
