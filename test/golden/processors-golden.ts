/** @module The golden file of the processors' tests, and the rows that it refers to by seed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DecodingOptions } from '../../decoding/options/options.ts';
import type { TokenSequence } from '../../decoding/processors/logits-processor.ts';

/** `processors.json`; make-processors-golden.py describes the fields. */
export interface Golden {
  truncations: [
    processor: string,
    parameter: number,
    minTokensToKeep: number,
    vocabSize: number,
    seed: number,
    odd: boolean,
    kept: string[],
  ][];
  exact: [
    processor: string,
    parameters: unknown[],
    vocabSize: number,
    length: number,
    seed: number,
    hashes: number[],
  ][];
  logSoftmax: [vocabSize: number, kind: Kind, seed: number, result: string][];
  lists: [options: DecodingOptions, eosTokenIds: number[], processors: [name: string, keep: number | null][]][];
  chains: [options: DecodingOptions, length: number, seed: number, rows: string[]][];
}

export const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, 'processors.json'), 'utf8'));

export const KINDS = ['normal', 'peaked', 'flat', 'ties', 'banned', 'negative'] as const;
export type Kind = (typeof KINDS)[number];
export const ROWS = 2 * KINDS.length;
export const [PROMPT, MAX_LENGTH, EOS] = [4, 12, [3]];

function mixed(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

export function row(kind: Kind, vocabSize: number, seed: number): Float32Array {
  const start = Math.imul(seed, 0x9e3779b1);
  return Float32Array.from({ length: vocabSize }, (_, i) => {
    const [a, b] = [mixed(start + 2 * i), mixed(start + 2 * i + 1)];
    const normal = ((a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16) - 131070) / 2 ** 15;
    const values = {
      normal: normal * 2,
      peaked: normal * 16,
      flat: normal / 128,
      ties: Math.floor(normal * 2),
      banned: a % 3 === 0 ? Number.NEGATIVE_INFINITY : normal * 2,
      negative: normal * 2 - 12,
    };
    return values[kind];
  });
}

/** Row i of `ROWS`. */
export function rowAt(i: number, vocabSize: number, seed: number): Float32Array {
  return row(KINDS[i % KINDS.length] as Kind, vocabSize, seed + i);
}

/** Row i of `ROWS`; the first four contain NaN or infinities. */
export function oddRowAt(i: number, vocabSize: number, seed: number): Float32Array {
  const scores = rowAt(i, vocabSize, seed);
  const infinity = Number.POSITIVE_INFINITY;
  if (i === 0) scores.fill(Number.NaN, 1, 3);
  if (i === 1) scores[0] = infinity;
  if (i === 2) scores.fill(-infinity);
  if (i === 3) scores.set([infinity, -infinity]);
  return scores;
}

/** Row i of `ROWS`, with a finite score for the end of text. */
export function rowWithEndAt(i: number, vocabSize: number, seed: number): Float32Array {
  const scores = rowAt(i, vocabSize, seed);
  for (const id of EOS) scores[id] = Math.max(scores[id] as number, -100);
  return scores;
}

/** The token sequence before row i. */
export function sequenceAt(i: number, vocabSize: number, length: number, seed: number): TokenSequence {
  const tokens = new Int32Array(length + 3).fill(-1);
  for (let j = 0; j < length; j++) tokens[j] = mixed(seed + i * length + j) % Math.min(vocabSize, 7);
  return { tokens, length };
}

/** FNV-1a of the floats' bits, with one pattern for NaN and -0 as 0. */
export function fnv1a(scores: Float32Array): number {
  const words = new Uint32Array(scores.map((score) => (Number.isNaN(score) ? 12345 : score + 0)).buffer);
  return words.reduce((hash, word) => Math.imul(hash ^ word, 0x01000193), 0x811c9dc5 | 0) >>> 0;
}

export function floatsOf(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer);
}

/** Bit i: whether token i was kept. */
export function bitsOf(base64: string, count: number): boolean[] {
  const bytes = Buffer.from(base64, 'base64');
  return Array.from({ length: count }, (_, i) => (((bytes[i >> 3] as number) >> (i & 7)) & 1) === 1);
}
