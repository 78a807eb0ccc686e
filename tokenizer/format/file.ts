/**
 * @module `tokenizer.bin`: a description of a tokenizer in JSON, and tables that are used in place, without parsing.
 *
 * Little-endian:
 *
 *     header       4 words of 32 bits: magic, version, bytes of the description, bytes of the file
 *     description  JSON in UTF-8 (description.ts), and in `tables` the name, type and length of each table
 *     tables       in this order, each from the next multiple of 8 bytes on
 *
 * Tables that each tokenizer has:
 *
 *     textOffsets  u32 [vocabSize + 1]: the bytes of token i are textBytes[textOffsets[i], textOffsets[i + 1])
 *     textBytes    u8: the tokens' bytes in decoded text; none for ids that are no tokens
 *     order        u32 [sorted tokens], in the order of their bytes: a trie of all texts that constraints can write
 *     shared       u8 [sorted tokens]: the number of bytes in common with the token before, at most 255
 *
 * The other tables are those of the model and of the normalizers.
 */
import type { TokenizerDescription } from './description.ts';

export const TOKENIZER_VERSION = 3;

const MAGIC = 0x4b544245; // the bytes "EBTK"
const HEADER_BYTES = 16;
const ALIGNMENT = 8;
/** A description lists added tokens; a file with more of them than this is none of a GPT-2. */
const MAX_DESCRIPTION_BYTES = 2 ** 24;
const HINT =
  'HINT: convert the checkpoint again with this version of edgebeam, and deploy every file it writes.';

const TYPES = { u8: Uint8Array, u32: Uint32Array, i32: Int32Array, f32: Float32Array, f64: Float64Array };
interface TableTypes {
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
}
type TableType = keyof TableTypes;
export type Table = TableTypes[TableType];

/** Tables by name. */
export class Tables {
  readonly #tables: ReadonlyMap<string, Table>;

  constructor(tables: Iterable<readonly [string, Table]>) {
    this.#tables = new Map(tables);
  }

  entries(): Iterable<[string, Table]> {
    return this.#tables.entries();
  }

  /** @throws Error if there is no such table, or it is of another type or length */
  get<Type extends TableType>(name: string, type: Type, length?: number): TableTypes[Type] {
    const table = this.#tables.get(name);
    if (!(table instanceof TYPES[type])) return fail(`has no table '${name}' of type ${type}`);
    if (length !== undefined && table.length !== length) {
      fail(`has ${table.length} numbers in '${name}' instead of ${length}`);
    }
    // The type of a value in `TYPES` is lost with the name of its key.
    return table as TableTypes[Type];
  }
}

export interface TokenizerFile {
  readonly description: TokenizerDescription;
  readonly tables: Tables;
}

interface TableEntry {
  readonly name: string;
  readonly type: TableType;
  readonly length: number;
}

/** Serializes a tokenizer, deterministically. */
export function writeTokenizer({ description, tables }: TokenizerFile): Uint8Array {
  const entries: TableEntry[] = Array.from(tables.entries(), ([name, table]) => ({
    name,
    type: typeOf(table),
    length: table.length,
  }));
  const json = new TextEncoder().encode(JSON.stringify({ ...description, tables: entries }));
  let length = HEADER_BYTES + json.length;
  const places = Array.from(tables.entries(), ([, table]) => {
    const offset = aligned(length);
    length = offset + table.byteLength;
    return { offset, table };
  });
  const file = new Uint8Array(length);
  new Uint32Array(file.buffer, 0, 4).set([MAGIC, TOKENIZER_VERSION, json.length, length]);
  file.set(json, HEADER_BYTES);
  for (const { offset, table } of places) {
    file.set(new Uint8Array(table.buffer, table.byteOffset, table.byteLength), offset);
  }
  return file;
}

/**
 * Parses a file. The tables are views of `bytes`, or of a copy if `bytes` is not 8-byte aligned.
 * @throws Error if the file is of another format or version, truncated, too long, or inconsistent
 */
export function readTokenizer(bytes: Uint8Array): TokenizerFile {
  const file = bytes.byteOffset % ALIGNMENT === 0 ? bytes : new Uint8Array(bytes); // a Buffer's slice() is no copy
  if (file.length < HEADER_BYTES) fail(`ends after ${file.length} bytes, in the middle of its header`);
  const [magic, version, jsonLength, length] = new Uint32Array(
    file.buffer,
    file.byteOffset,
    4,
  ) as unknown as Header;
  if (magic !== MAGIC) fail(`is not a tokenizer file (it begins with 0x${magic.toString(16)})`);
  if (version !== TOKENIZER_VERSION) {
    fail(`has version ${version}; this reader supports version ${TOKENIZER_VERSION}`);
  }
  if (file.length !== length) fail(`has ${file.length} bytes; its header says ${length}`);
  if (jsonLength > Math.min(length - HEADER_BYTES, MAX_DESCRIPTION_BYTES)) {
    fail(`has a description of ${jsonLength} bytes, which does not fit`);
  }
  const { tables: entries, ...description } = parseDescription(
    file.subarray(HEADER_BYTES, HEADER_BYTES + jsonLength),
  );
  let end = HEADER_BYTES + jsonLength;
  const tables = entries.map(({ name, type, length }): [string, Table] => {
    const Type = TYPES[type];
    const offset = aligned(end);
    end = offset + Type.BYTES_PER_ELEMENT * length;
    if (end > file.length) fail(`ends before the end of its table '${name}'`);
    return [name, new Type(file.buffer as ArrayBuffer, file.byteOffset + offset, length)];
  });
  if (end !== file.length) fail(`has ${file.length - end} bytes after its tables`);
  const parsed = { description, tables: new Tables(tables) };
  checkText(parsed);
  return parsed;
}

type Header = [magic: number, version: number, description: number, length: number];

const aligned = (offset: number) => Math.ceil(offset / ALIGNMENT) * ALIGNMENT;

function typeOf(table: Table): TableType {
  const type = (Object.keys(TYPES) as TableType[]).find((name) => table instanceof TYPES[name]);
  return type as TableType; // `Table` has no other types
}

function parseDescription(utf8: Uint8Array): TokenizerDescription & { readonly tables: TableEntry[] } {
  try {
    const description = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(utf8));
    if (Array.isArray(description.tables) && Number.isInteger(description.vocabSize)) return description;
  } catch {
    // Reported below: whatever the fault is, the file was not written by this version.
  }
  return fail('has a description that cannot be read');
}

function checkText({ description: { vocabSize, added, template }, tables }: TokenizerFile): void {
  const bytes = tables.get('textBytes', 'u8');
  const offsets = tables.get('textOffsets', 'u32', vocabSize + 1);
  const ascending = offsets.every((offset, i) => i === 0 || (offsets[i - 1] as number) <= offset);
  if (offsets[0] !== 0 || !ascending || offsets.at(-1) !== bytes.length) {
    fail('has token offsets that do not fit its bytes');
  }
  const order = tables.get('order', 'u32');
  tables.get('shared', 'u8', order.length);
  checkIds(order, vocabSize);
  checkIds([...added.map(({ id }) => id), ...template.before, ...template.after], vocabSize);
}

/** @throws Error if an id is not below `vocabSize` */
export function checkIds(ids: Uint32Array | readonly number[], vocabSize: number): void {
  for (const id of ids) {
    if (id >= vocabSize) fail(`contains token id ${id}; its vocabulary has ${vocabSize} tokens`);
  }
}

/** Byte offsets of the parts in their concatenation, and its length: `[parts + 1]`. */
export function offsetsOf(parts: readonly Uint8Array[]): Uint32Array {
  const offsets = new Uint32Array(parts.length + 1);
  parts.forEach((part, i) => {
    offsets[i + 1] = (offsets[i] as number) + part.length;
  });
  return offsets;
}

/** @throws Error that names the file, always */
export function fail(problem: string): never {
  throw new Error(`tokenizer.bin ${problem}.\n${HINT}`);
}
