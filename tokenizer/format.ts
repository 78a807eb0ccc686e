/**
 * @module `tokenizer.bin`: a GPT-2 vocabulary as tables that are used in place, without parsing.
 *
 * Little-endian 32-bit unsigned integers, then bytes; no padding between the parts or after them:
 *
 *     header       8: magic, version, tokens, merges, added tokens, token bytes, added token bytes, sorted tokens
 *     byteIds      256: the token id of each single byte
 *     offsets      tokens + 1: token i is tokenBytes[offsets[i], offsets[i + 1])
 *     merges       merges x 3, in rank order: left id, right id, merged id
 *     addedIds     added tokens
 *     addedFlags   added tokens: 1 when the token is special
 *     addedOffsets added tokens + 1: as `offsets`, into addedBytes
 *     order        sorted tokens, in the order of their bytes: a trie of all texts that constraints can write
 *     tokenBytes   the tokens' bytes in decoded text
 *     addedBytes   the added tokens' content, in UTF-8
 *     shared       sorted tokens: the number of bytes in common with the token before, at most 255
 */
import { MERGE_STRIDE } from './bpe.ts';

export const TOKENIZER_VERSION = 2;

const MAGIC = 0x4b544245; // the bytes "EBTK"
const HEADER_WORDS = 8;
const BYTE_VALUES = 256;
/** Heap keys (bpe.ts) are exact in float64 only below this: rank in 21 bits, position in 32. */
const MAX_MERGES = 2 ** 21;
const HINT =
  'HINT: convert the checkpoint again with this version of edgebeam, and deploy every file it writes.';

/** A token that is matched in the text before any merge; if special, only with `parseSpecial`. */
export interface AddedToken {
  readonly content: string;
  readonly id: number;
  readonly special: boolean;
}

export interface TokenizerTables {
  /** `[256]` */
  readonly byteIds: Uint32Array;
  /** `[tokens + 1]` */
  readonly offsets: Uint32Array;
  /** `[merges * 3]` */
  readonly merges: Uint32Array;
  readonly tokenBytes: Uint8Array;
  readonly added: readonly AddedToken[];
  readonly sorted: SortedTokens;
}

/** The tokens with bytes, special ones apart, in the order of their bytes. */
export interface SortedTokens {
  readonly order: Uint32Array;
  /** `[order.length]`: the number of bytes that each token has in common with the one before it, at most 255. */
  readonly shared: Uint8Array;
}

/** Serializes the tables, deterministically. */
export function writeTables(tables: TokenizerTables): Uint8Array {
  const { byteIds, offsets, merges, tokenBytes, added, sorted } = tables;
  const contents = added.map(({ content }) => new TextEncoder().encode(content));
  const addedOffsets = offsetsOf(contents);
  const addedLength = addedOffsets.at(-1) as number;
  const counts = [
    offsets.length - 1,
    merges.length / MERGE_STRIDE,
    added.length,
    tokenBytes.length,
    addedLength,
    sorted.order.length,
  ];
  const words = Uint32Array.of(...[MAGIC, TOKENIZER_VERSION, ...counts], ...byteIds);
  const parts = [
    words,
    offsets,
    merges,
    Uint32Array.from(added, ({ id }) => id),
    Uint32Array.from(added, ({ special }) => Number(special)),
    addedOffsets,
    sorted.order,
    tokenBytes,
    ...contents,
    sorted.shared,
  ];
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    file.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), offset);
    offset += part.byteLength;
  }
  return file;
}

/** Byte offsets of the parts in their concatenation, and its length: `[parts + 1]`. */
export function offsetsOf(parts: readonly Uint8Array[]): Uint32Array {
  const offsets = new Uint32Array(parts.length + 1);
  parts.forEach((part, i) => {
    offsets[i + 1] = (offsets[i] as number) + part.length;
  });
  return offsets;
}

/**
 * Parses a file. The tables are views of `bytes`, or of a copy if `bytes` is not 4-byte aligned.
 * @throws Error if the file is of another format or version, truncated, too long, or inconsistent
 */
export function readTables(bytes: Uint8Array): TokenizerTables {
  const file = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes); // a Buffer's slice() is no copy
  let position = 0;
  const readWords = (count: number) => {
    const start = position;
    position += 4 * count;
    if (position > file.length) fail(`ends after ${file.length} bytes, in the middle of its tables`);
    return new Uint32Array(file.buffer, file.byteOffset + start, count);
  };
  const header = readWords(HEADER_WORDS);
  const [magic, version, tokens, merges, added, tokenLength, addedLength, sorted] =
    header as unknown as HeaderWords;
  if (magic !== MAGIC) fail(`is not a tokenizer file (it begins with 0x${magic.toString(16)})`);
  if (version !== TOKENIZER_VERSION)
    fail(`has version ${version}; this reader supports version ${TOKENIZER_VERSION}`);
  if (merges >= MAX_MERGES) fail(`has ${merges} merges, more than ${MAX_MERGES - 1}`);

  const byteIds = readWords(BYTE_VALUES);
  const offsets = readWords(tokens + 1);
  const mergeTable = readWords(merges * MERGE_STRIDE);
  const addedIds = readWords(added);
  const addedFlags = readWords(added);
  const addedOffsets = readWords(added + 1);
  const order = readWords(sorted);
  const expectedLength = position + tokenLength + addedLength + sorted;
  if (file.length !== expectedLength) {
    fail(`has ${file.length} bytes; its header says ${expectedLength}`);
  }
  for (const ids of [byteIds, mergeTable, addedIds, order]) {
    const invalid = ids.find((id) => id >= tokens);
    if (invalid !== undefined) fail(`contains token id ${invalid}; its vocabulary has ${tokens} tokens`);
  }
  checkOffsets(offsets, tokenLength);
  checkOffsets(addedOffsets, addedLength);

  const addedBytes = file.subarray(position + tokenLength, position + tokenLength + addedLength);
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
  return {
    byteIds,
    offsets,
    merges: mergeTable,
    tokenBytes: file.subarray(position, position + tokenLength),
    added: Array.from(addedIds, (id, i) => ({
      content: decoder.decode(addedBytes.subarray(addedOffsets[i], addedOffsets[i + 1])),
      id,
      special: addedFlags[i] === 1,
    })),
    sorted: { order, shared: file.subarray(position + tokenLength + addedLength) },
  };
}

type HeaderWords = [number, number, number, number, number, number, number, number];

function checkOffsets(offsets: Uint32Array, length: number): void {
  const ascending = offsets.every((offset, i) => i === 0 || (offsets[i - 1] as number) <= offset);
  if (offsets[0] !== 0 || !ascending || offsets.at(-1) !== length)
    fail('has token offsets that do not fit its bytes');
}

function fail(problem: string): never {
  throw new Error(`tokenizer.bin ${problem}.\n${HINT}`);
}
