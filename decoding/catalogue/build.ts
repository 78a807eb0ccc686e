/** @module Packs entries, as tokens, to the file of a catalogue. */
import { setBit, wordsFor } from './bits.ts';
import {
  HAS_IDS,
  HAS_WEIGHTS,
  HEADER_WORDS,
  layoutOf,
  MAGIC,
  type Section,
  tokenBytesOf,
  VERSION,
} from './format.ts';

export interface ListedEntry {
  /** At least one. */
  readonly tokens: ArrayLike<number>;
  /** Of all entries or of none. */
  readonly id?: string | undefined;
  /** Default: 0. */
  readonly weight?: number | undefined;
}

export interface BuildOptions {
  readonly vocabSize: number;
  /** SHA-256 of the tokenizer's file, in hexadecimal. */
  readonly tokenizer: string;
}

export interface BuiltCatalogue {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly nodes: number;
  /** Entries that are left out, because an earlier one has the same tokens. */
  readonly repeated: number;
  readonly entries: number;
  readonly depth: number;
}

/** The nodes, level by level; every list has the root first. */
interface Nodes {
  readonly count: number;
  readonly tokens: Uint32Array;
  readonly last: Uint32Array;
  readonly inner: Uint32Array;
  readonly ends: Uint32Array;
  /** The entries at the ends, in the order of the nodes. */
  readonly entries: Uint32Array;
  readonly depth: number;
}

/** @param list in any order; of entries with the same tokens the first is kept */
export function buildCatalogue(list: readonly ListedEntry[], options: BuildOptions): BuiltCatalogue {
  const { vocabSize, tokenizer } = options;
  const { count, tokens, last, inner, ends, entries, depth } = nodesOf(list);
  const hasIds = list.some(({ id }) => id !== undefined);
  const hasWeights = list.some(({ weight = 0 }) => weight !== 0);
  const ids = hasIds ? encodedIds(list, entries) : { text: new Uint8Array(0), offsets: new Uint32Array(0) };
  const sizes = { vocabSize, nodes: count, entries: entries.length, hasIds, hasWeights };
  const { begins, bytes: size } = layoutOf({ ...sizes, idBytes: ids.text.length });
  const bytes = new Uint8Array(size);
  const flags = (hasIds ? HAS_IDS : 0) + (hasWeights ? HAS_WEIGHTS : 0);
  const header = [MAGIC, VERSION, vocabSize, count, entries.length, depth, flags, ids.text.length];
  new Uint32Array(bytes.buffer).set(header);
  bytes.set(bytesOfHex(tokenizer), HEADER_WORDS * 4);
  const write = (section: Section, values: Uint8Array | Uint16Array | Uint32Array | Float32Array) =>
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), begins[section]);
  write('tokens', tokenBytesOf(vocabSize) === 2 ? Uint16Array.from(tokens) : tokens);
  write('last', last);
  write('inner', inner);
  write('ends', ends);
  if (!hasIds) write('lines', entries);
  write('offsets', ids.offsets);
  write('ids', ids.text);
  if (hasWeights)
    write(
      'weights',
      Float32Array.from(entries, (entry) => list[entry]?.weight ?? 0),
    );
  return { bytes, nodes: count, repeated: list.length - entries.length, entries: entries.length, depth };
}

function nodesOf(list: readonly ListedEntry[]): Nodes {
  const order = sortedByTokens(list);
  const most = list.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const tokens = new Uint32Array(most);
  const last = new Uint32Array(wordsFor(most));
  const inner = new Uint32Array(wordsFor(most + 1));
  const ends = new Uint32Array(wordsFor(most + 1));
  const entries: number[] = [];
  const lengthOf = (i: number) => (list[order[i] as number] as ListedEntry).tokens.length;
  const tokenAt = (i: number, depth: number) =>
    (list[order[i] as number] as ListedEntry).tokens[depth] as number;
  let count = 0;
  let depth = 0;
  // The entries below each node of a level, as ranges of the order.
  let level: [begin: number, end: number][] = [[0, list.length]];
  for (let node = 0; level.length > 0; depth++) {
    const next: [number, number][] = [];
    for (const [begin, end] of level) {
      let i = begin;
      // Entries that end at this node come before those that go on.
      while (i < end && lengthOf(i) === depth) i++;
      if (i > begin) {
        setBit(ends, node);
        entries.push(order[begin] as number);
      }
      if (i < end) setBit(inner, node);
      while (i < end) {
        const first = i;
        const token = tokenAt(i, depth);
        while (i < end && tokenAt(i, depth) === token) i++;
        tokens[count] = token;
        if (i === end) setBit(last, count);
        count++;
        next.push([first, i]);
      }
      node++;
    }
    level = next;
  }
  return {
    count,
    tokens: tokens.slice(0, count),
    last: last.slice(0, wordsFor(count)),
    inner: inner.slice(0, wordsFor(count + 1)),
    ends: ends.slice(0, wordsFor(count + 1)),
    entries: Uint32Array.from(entries),
    depth: depth - 1,
  };
}

/** The entries' places in the list, by tokens, and by place where all tokens are the same. */
function sortedByTokens(list: readonly ListedEntry[]): Uint32Array {
  return Uint32Array.from(list.keys()).sort((a, b) => {
    const { tokens: first } = list[a] as ListedEntry;
    const { tokens: second } = list[b] as ListedEntry;
    const length = Math.min(first.length, second.length);
    for (let i = 0; i < length; i++) {
      const difference = (first[i] as number) - (second[i] as number);
      if (difference !== 0) return difference;
    }
    return first.length - second.length || a - b;
  });
}

function encodedIds(
  list: readonly ListedEntry[],
  entries: Uint32Array,
): { readonly text: Uint8Array; readonly offsets: Uint32Array } {
  const encoder = new TextEncoder();
  const parts = Array.from(entries, (entry) => encoder.encode(list[entry]?.id ?? ''));
  const offsets = new Uint32Array(parts.length + 1);
  for (const [i, part] of parts.entries()) offsets[i + 1] = (offsets[i] as number) + part.length;
  const text = new Uint8Array(offsets.at(-1) ?? 0);
  for (const [i, part] of parts.entries()) text.set(part, offsets[i]);
  return { text, offsets };
}

const bytesOfHex = (hex: string): number[] =>
  Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
