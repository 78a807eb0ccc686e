/**
 * @module The file of a catalogue, which is used where it lies: a trie over tokens, whose nodes are numbered level by
 * level, from the root, 0. The children of a node have successive numbers, in the order of their tokens. So the shape of
 * the trie is two bits a node: whether it has children, and whether it is the last of its siblings (LOUDS, Jacobson
 * 1989). With its token and a bit for the end of an entry, a node takes 19 bits, or 35 in a vocabulary of more than
 * 65,536 tokens.
 *
 * All numbers are little-endian; every section begins at a multiple of 4 bytes:
 *
 *     header   u32 magic, version, vocabulary, nodes without the root, entries, depth, flags, bytes of the ids;
 *              32 bytes: SHA-256 of tokenizer.bin
 *     tokens   [nodes] u16, or u32: the token that leads to node i + 1
 *     last     [nodes] bits: whether node i + 1 is the last of its siblings
 *     inner    [nodes + 1] bits: whether a node has children
 *     ends     [nodes + 1] bits: whether an entry ends at a node; entries are numbered in the order of their nodes
 *     lines    [entries] u32: the place of each entry in the list; only without ids
 *     offsets  [entries + 1] u32: where each id begins; only with ids
 *     ids      UTF-8
 *     weights  [entries] f32; only with weights
 */
import { wordsFor } from './bits.ts';

/** "trie", as its bytes are read. */
export const MAGIC = 0x65697274;
export const VERSION = 1;
export const HEADER_WORDS = 8;
export const DIGEST_BYTES = 32;
const HEADER_BYTES = HEADER_WORDS * 4 + DIGEST_BYTES;
export const HAS_IDS = 1;
export const HAS_WEIGHTS = 2;

/** As many entries as a catalogue may have. */
export const MAX_ENTRIES = 1_000_000;
/** The largest vocabulary whose tokens have two bytes. */
const NARROW_VOCABULARY = 65_536;

export interface Sizes {
  readonly vocabSize: number;
  readonly nodes: number;
  readonly entries: number;
  readonly hasIds: boolean;
  readonly hasWeights: boolean;
  readonly idBytes: number;
}

export type Section = 'tokens' | 'last' | 'inner' | 'ends' | 'lines' | 'offsets' | 'ids' | 'weights';

export const tokenBytesOf = (vocabSize: number): 2 | 4 => (vocabSize <= NARROW_VOCABULARY ? 2 : 4);

/** Where each section begins, and the bytes of the file. */
export function layoutOf({ vocabSize, nodes, entries, hasIds, hasWeights, idBytes }: Sizes): {
  readonly begins: Readonly<Record<Section, number>>;
  readonly bytes: number;
} {
  let bytes = HEADER_BYTES;
  const section = (size: number) => {
    const begin = bytes;
    bytes += 4 * Math.ceil(size / 4);
    return begin;
  };
  const begins = {
    tokens: section(nodes * tokenBytesOf(vocabSize)),
    last: section(4 * wordsFor(nodes)),
    inner: section(4 * wordsFor(nodes + 1)),
    ends: section(4 * wordsFor(nodes + 1)),
    lines: section(hasIds ? 0 : 4 * entries),
    offsets: section(hasIds ? 4 * (entries + 1) : 0),
    ids: section(idBytes),
    weights: section(hasWeights ? 4 * entries : 0),
  };
  return { begins, bytes };
}
