/**
 * @module `tokenizer.bin`: a GPT-2 vocabulary as tables that are used where they lie, without parsing.
 *
 * Little-endian 32-bit unsigned integers, then bytes; nothing between the parts and nothing after them:
 *
 *     header       7: magic, version, tokens, merges, added tokens, token bytes, added token bytes
 *     byteIds      256: the token id of each single byte
 *     offsets      tokens + 1: token i is tokenBytes[offsets[i], offsets[i + 1])
 *     merges       merges x 3, in rank order: left id, right id, merged id
 *     addedIds     added tokens
 *     addedFlags   added tokens: 1 when the token is special
 *     addedOffsets added tokens + 1: as `offsets`, into addedBytes
 *     tokenBytes   what the tokens stand for in decoded text
 *     addedBytes   what the added tokens look like in text to encode, in UTF-8
 */
import { MERGE_STRIDE } from './bpe.ts';

export const TOKENIZER_VERSION = 1;

const MAGIC = 0x4b544245; // the bytes "EBTK"
const HEADER_WORDS = 7;
const BYTE_VALUES = 256;
/** A heap key of the merge loop holds rank and position exactly only up to here. */
const MAX_MERGES = 2 ** 21;
const HINT =
  'HINT: convert the checkpoint again with this version of edgebeam, and deploy every file it writes.';

/** A token that is looked for in the text itself before any merge; a special one only when the caller asks for it. */
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
}

/** The file's bytes; the same tables always give the same ones. */
export function writeTables(tables: TokenizerTables): Uint8Array {
  const { byteIds, offsets, merges, tokenBytes, added } = tables;
  const contents = added.map(({ content }) => new TextEncoder().encode(content));
  const addedOffsets = offsetsOf(contents);
  const addedLength = addedOffsets.at(-1) as number;
  const counts = [
    offsets.length - 1,
    merges.length / MERGE_STRIDE,
    added.length,
    tokenBytes.length,
    addedLength,
  ];
  const words = Uint32Array.of(...[MAGIC, TOKENIZER_VERSION, ...counts], ...byteIds);
  const parts = [
    words,
    offsets,
    merges,
    Uint32Array.from(added, ({ id }) => id),
    Uint32Array.from(added, ({ special }) => Number(special)),
    addedOffsets,
    tokenBytes,
    ...contents,
  ];
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    file.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return file;
}

/** Where each of `parts` begins when they are laid end to end, and where the last one ends: `[parts + 1]`. */
export function offsetsOf(parts: readonly Uint8Array[]): Uint32Array {
  const offsets = new Uint32Array(parts.length + 1);
  parts.forEach((part, i) => {
    offsets[i + 1] = (offsets[i] as number) + part.length;
  });
  return offsets;
}

/**
 * The tables of a file, as views of `bytes` (of a copy, when `bytes` is not on a 4-byte boundary).
 * @throws Error when the file is another one, of another version, short, too long, or inconsistent.
 */
export function readTables(bytes: Uint8Array): TokenizerTables {
  const file = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes); // a Buffer's slice() is no copy
  let at = 0;
  const numbers = (count: number) => {
    if (at + 4 * count > file.length) fail(`ends after ${file.length} bytes, in the middle of its tables`);
    at += 4 * count;
    return new Uint32Array(file.buffer, file.byteOffset + at - 4 * count, count);
  };
  const header = numbers(HEADER_WORDS);
  const [magic, version, tokens, merges, added, tokenLength, addedLength] = header as unknown as HeaderWords;
  if (magic !== MAGIC) fail(`is not a tokenizer file (it begins with 0x${magic.toString(16)})`);
  if (version !== TOKENIZER_VERSION)
    fail(`has version ${version}, and this reader knows ${TOKENIZER_VERSION}`);
  if (merges >= MAX_MERGES) fail(`has ${merges} merges, more than ${MAX_MERGES - 1}`);

  const byteIds = numbers(BYTE_VALUES);
  const offsets = numbers(tokens + 1);
  const mergeTable = numbers(merges * MERGE_STRIDE);
  const addedIds = numbers(added);
  const addedFlags = numbers(added);
  const addedOffsets = numbers(added + 1);
  if (file.length !== at + tokenLength + addedLength) {
    fail(`has ${file.length} bytes where its header says ${at + tokenLength + addedLength}`);
  }
  for (const ids of [byteIds, mergeTable, addedIds]) {
    const wrong = ids.find((id) => id >= tokens);
    if (wrong !== undefined) fail(`names token ${wrong} of ${tokens}`);
  }
  checkOffsets(offsets, tokenLength);
  checkOffsets(addedOffsets, addedLength);

  const addedBytes = file.subarray(at + tokenLength);
  const text = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
  return {
    byteIds,
    offsets,
    merges: mergeTable,
    tokenBytes: file.subarray(at, at + tokenLength),
    added: Array.from(addedIds, (id, i) => ({
      content: text.decode(addedBytes.subarray(addedOffsets[i], addedOffsets[i + 1])),
      id,
      special: addedFlags[i] === 1,
    })),
  };
}

type HeaderWords = [number, number, number, number, number, number, number];

function checkOffsets(offsets: Uint32Array, length: number): void {
  const rising = offsets.every((offset, i) => i === 0 || (offsets[i - 1] as number) <= offset);
  if (offsets[0] !== 0 || !rising || offsets.at(-1) !== length)
    fail('has token offsets that do not fit its bytes');
}

function fail(what: string): never {
  throw new Error(`tokenizer.bin ${what}.\n${HINT}`);
}
