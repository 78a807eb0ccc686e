/** @module Generates a valid byte-level BPE vocabulary of any size, with random merges. */
import { createRandom, type Random32 } from './normal.ts';

export const END_OF_TEXT = '<|endoftext|>';

export interface SyntheticBpe {
  /** `vocab.json`: bytes, then merged tokens by rank, then {@link END_OF_TEXT}. */
  readonly vocab: ReadonlyMap<string, number>;
  /** `merges.txt`: pairs by rank. */
  readonly merges: readonly (readonly [string, string])[];
}

/** GPT-2's symbols of the 256 bytes in the order of their ids: printable bytes first, then the others. */
function byteSymbols(): string[] {
  const range = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const printable = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)];
  const others = 256 - printable.length;
  return [...printable, ...range(256, 255 + others)].map((code) => String.fromCharCode(code));
}

const MAX_TOKEN_LENGTH = 12;
/** The symbol of a space. */
const SPACE = 'Ġ';

/**
 * Each merge joins two existing tokens into a new one: words of lower-case letters, half of them with a
 * leading space. No token has a space elsewhere: GPT-2's pre-tokenization would never produce it.
 *
 * @param size at least 257: the bytes and the end-of-text token.
 */
export function syntheticBpe(size: number, seed: number): SyntheticBpe {
  const symbols = byteSymbols();
  const mergeCount = size - symbols.length - 1;
  if (mergeCount < 0)
    throw new RangeError(`A byte-level vocabulary needs at least 257 tokens, found ${size}`);
  const vocab = new Map(symbols.map((symbol, id) => [symbol, id]));
  const merges: [string, string][] = [];
  const words = symbols.filter((symbol) => /^[a-z]$/.test(symbol));
  const spacedWords = [SPACE];
  const random = createRandom(seed, 'merges');
  while (merges.length < mergeCount) {
    const left = pick(random() & 1 ? words : spacedWords, random);
    const right = pick(words, random);
    const token = left + right;
    if (token.length > MAX_TOKEN_LENGTH || vocab.has(token)) continue;
    vocab.set(token, vocab.size);
    merges.push([left, right]);
    (token.startsWith(SPACE) ? spacedWords : words).push(token);
  }
  return { vocab: vocab.set(END_OF_TEXT, vocab.size), merges };
}

const pick = (items: readonly string[], random: Random32) => items[random() % items.length] as string;

/** @returns the contents of `vocab.json` and `merges.txt`. */
export function tokenizerFiles({ vocab, merges }: SyntheticBpe): Record<'vocab.json' | 'merges.txt', string> {
  return {
    'vocab.json': JSON.stringify(Object.fromEntries(vocab)),
    'merges.txt': `#version: 0.2\n${merges.map(([left, right]) => `${left} ${right}\n`).join('')}`,
  };
}
