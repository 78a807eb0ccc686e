/**
 * @module A made-up byte-level BPE vocabulary: valid, of any size, and of no language.
 */
import { createRandom, type Random32 } from './normal.ts';

export const END_OF_TEXT = '<|endoftext|>';

export interface SyntheticBpe {
  /** `vocab.json`: bytes, then merges in the order of their rank, then {@link END_OF_TEXT}. */
  readonly vocab: ReadonlyMap<string, number>;
  /** `merges.txt`: the pair that each rank joins. */
  readonly merges: readonly (readonly [string, string])[];
}

/** GPT-2's printable stand-ins of the 256 bytes, those that stand for themselves first: ids 0 to 255. */
function byteSymbols(): string[] {
  const range = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const printable = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)];
  const others = 256 - printable.length;
  return [...printable, ...range(256, 255 + others)].map((code) => String.fromCharCode(code));
}

const LONGEST_TOKEN = 12;
/** The stand-in of a space, which only begins a word. */
const SPACE = 'Ġ';

/**
 * Each merge joins two tokens that are there already into one that is not: words of small letters, half of them
 * with a space before them, none with a space inside, which GPT-2's splitting into words would keep from ever being joined.
 *
 * @param size at least 257: the bytes and the end of text.
 */
export function syntheticBpe(size: number, seed: number): SyntheticBpe {
  const symbols = byteSymbols();
  const mergeCount = size - symbols.length - 1;
  if (mergeCount < 0) throw new RangeError(`A byte-level vocabulary has at least 257 tokens, not ${size}`);
  const vocab = new Map(symbols.map((symbol, id) => [symbol, id]));
  const merges: [string, string][] = [];
  const words = symbols.filter((symbol) => /^[a-z]$/.test(symbol));
  const spaced = [SPACE];
  const random = createRandom(seed, 'merges');
  while (merges.length < mergeCount) {
    const left = pick(random() & 1 ? words : spaced, random);
    const right = pick(words, random);
    const token = left + right;
    if (token.length > LONGEST_TOKEN || vocab.has(token)) continue;
    vocab.set(token, vocab.size);
    merges.push([left, right]);
    (token.startsWith(SPACE) ? spaced : words).push(token);
  }
  return { vocab: vocab.set(END_OF_TEXT, vocab.size), merges };
}

const pick = (items: readonly string[], random: Random32) => items[random() % items.length] as string;

/** @returns the texts of `vocab.json` and `merges.txt`. */
export function tokenizerFiles({ vocab, merges }: SyntheticBpe): Record<'vocab.json' | 'merges.txt', string> {
  return {
    'vocab.json': JSON.stringify(Object.fromEntries(vocab)),
    'merges.txt': `#version: 0.2\n${merges.map(([left, right]) => `${left} ${right}\n`).join('')}`,
  };
}
