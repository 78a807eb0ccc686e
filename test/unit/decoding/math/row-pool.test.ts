/** @module Rows of logits are given back at the end of a search, not left to the garbage collector. */
import { describe, expect, it } from 'vitest';
import { Rows } from '../../../../decoding/math/row-pool.ts';

const VOCABULARY = 1000;
const bufferOf = (row: Float32Array) => row.buffer as ArrayBuffer;

describe('rows of logits', () => {
  it('are freed with their search, but for two that the next one takes', () => {
    const rows = new Rows(VOCABULARY);
    const taken = [...rows.take(7), ...rows.take(3)];
    expect(taken.map(({ length }) => length)).toEqual(Array(10).fill(VOCABULARY));
    expect(new Set(taken.map(bufferOf)).size).toBe(10);
    rows[Symbol.dispose]();
    const kept = taken.filter((row) => !bufferOf(row).detached);
    expect(kept).toHaveLength(2);
    const next = new Rows(VOCABULARY);
    expect(new Set(next.take(2))).toEqual(new Set(kept));
    next[Symbol.dispose]();
  });

  it('of another vocabulary are not taken', () => {
    const rows = new Rows(VOCABULARY);
    rows.take(2);
    rows[Symbol.dispose]();
    const others = new Rows(VOCABULARY + 1);
    expect(others.take(3).map(({ length }) => length)).toEqual(Array(3).fill(VOCABULARY + 1));
    others[Symbol.dispose]();
  });
});
