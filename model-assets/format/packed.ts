/**
 * @module The layout of quantized weights in the weight stream, as the kernels of `engine/kernels/` read
 * them: linear layers at 4 and 8 bits, and the token embedding at 8 bits.
 *
 * An 8-bit weight is `code · scale`, with codes -127 … 127 and a float32 scale for each output, in a tensor of
 * its own. A token of the embedding is an output: lm_head is the linear layer of the embedding's matrix.
 *
 * A 4-bit weight is `(code - 8) · multiplier · scale`. Codes are 0 … 15, so a weight is -8 … 7 steps of its
 * group. Multipliers are 0 … 255, one for each group of 32 inputs and each output. Scales are float32, one
 * per output, and are a tensor of their own.
 */

/** Consecutive inputs of an output that share a multiplier. */
export const GROUP = 32;
/** The stored code of zero. */
export const ZERO_CODE = 8;
/** The range of the signed codes, before {@link ZERO_CODE} is added. */
export const MIN_CODE = -8;
export const MAX_CODE = 7;
const MAX_STORED_CODE = 15;
export const MAX_MULTIPLIER = 255;

/**
 * The most inputs of a 4-bit layer for which the kernel's 32-bit sums are exact. With activations of ±127, a
 * group's sum is at most 32 · 127 · 8 = 32,512; 259 groups, each times a multiplier of 255, stay below 2^31.
 */
export const MAX_INPUTS = 8288;

/** Outputs in a tile. */
export const TILE_COLUMNS = 4;
/** Inputs in one 16-byte vector of a 4-bit tile: 8 codes for each of 4 columns. */
const VECTOR_INPUTS = 8;
const VECTOR_BYTES = 16;
/** Inputs of an output that are stored side by side at 8 bits. */
const INT8_RUN = 16;

/** `rows` rounded up to a multiple of {@link GROUP}. */
export const paddedRows = (rows: number): number => roundUp(rows, GROUP);

/** Bytes that {@link packInt4} returns: half a byte per code, and a multiplier per group. */
export function int4Bytes(inputs: number, outputs: number): number {
  return roundUp(outputs, TILE_COLUMNS) * (int4ColumnBytes(inputs) + groupCount(inputs));
}

/** Bytes that {@link packInt8} returns. */
export function int8Bytes(inputs: number, outputs: number): number {
  return roundUp(outputs, TILE_COLUMNS) * roundUp(inputs, INT8_RUN);
}

/**
 * Packs a 4-bit weight `[inputs, outputs]` for `assembly/matmul-int4.ts`. The codes come first, in tiles of
 * four columns. A tile contains its groups of 32 inputs in order; a group is four vectors of 16 bytes. The low
 * nibbles of vector v contain the codes of inputs `8v` to `8v + 7`, first of column 0 and then of column 1; the
 * high nibbles those of columns 2 and 3. The multipliers follow, `[tile, group, 4]`. Inputs and columns are
 * padded with zeros.
 *
 * @param codes `[inputs, outputs]`, 0 … 15
 * @param multipliers `[ceil(inputs / 32), outputs]`
 * @throws RangeError if a length does not match the shape, or a code is above 15
 */
export function packInt4(
  codes: Uint8Array,
  multipliers: Uint8Array,
  inputs: number,
  outputs: number,
): Uint8Array<ArrayBuffer> {
  const groups = groupCount(inputs);
  checkLength('codes', codes, inputs, outputs);
  checkLength('multipliers', multipliers, groups, outputs);
  const tooLarge = codes.findIndex((code) => code > MAX_STORED_CODE);
  if (tooLarge >= 0) throw new RangeError(`codes[${tooLarge}] is ${codes[tooLarge]}; 4 bits hold 0 to 15`);

  const tileBytes = int4ColumnBytes(inputs) * TILE_COLUMNS;
  const codeBytes = Math.ceil(outputs / TILE_COLUMNS) * tileBytes;
  const packed = new Uint8Array(int4Bytes(inputs, outputs));
  packed.fill(ZERO_CODE * 0x11, 0, codeBytes);
  for (let row = 0; row < inputs; row++) {
    const rowOffset = Math.floor(row / VECTOR_INPUTS) * VECTOR_BYTES + (row % VECTOR_INPUTS);
    for (let column = 0; column < outputs; column++) {
      const tile = Math.floor(column / TILE_COLUMNS);
      const shift = column % TILE_COLUMNS < 2 ? 0 : 4;
      const offset = tile * tileBytes + rowOffset + VECTOR_INPUTS * (column % 2);
      const code = codes[row * outputs + column] as number;
      packed[offset] = ((packed[offset] as number) & (0xf0 >> shift)) | (code << shift);
    }
  }
  for (let group = 0; group < groups; group++) {
    for (let column = 0; column < outputs; column++) {
      const tile = Math.floor(column / TILE_COLUMNS);
      const offset = codeBytes + (tile * groups + group) * TILE_COLUMNS + (column % TILE_COLUMNS);
      packed[offset] = multipliers[group * outputs + column] as number;
    }
  }
  return packed;
}

/**
 * Packs an 8-bit weight for `assembly/matmul-int8.ts`, in tiles of four outputs. A tile holds its inputs in
 * runs of 16, in order; of each run it holds the codes of its four outputs in turn. Inputs are padded to a
 * multiple of 16 and outputs to one of 4, with zeros.
 *
 * @param codes `[outputs, inputs]`, as a checkpoint has the tokens of `wte`
 * @throws RangeError if the length does not match the shape
 */
export function packInt8(codes: Int8Array, inputs: number, outputs: number): Int8Array<ArrayBuffer> {
  checkLength('codes', codes, outputs, inputs);
  const packed = new Int8Array(int8Bytes(inputs, outputs));
  for (let output = 0; output < outputs; output++) {
    const row = codes.subarray(output * inputs, (output + 1) * inputs);
    for (const { offset, first } of int8Runs(output, inputs)) {
      packed.set(row.subarray(first, first + INT8_RUN), offset);
    }
  }
  return packed;
}

/** The inverse of {@link packInt8}. */
export function unpackInt8(packed: Int8Array, inputs: number, outputs: number): Int8Array<ArrayBuffer> {
  const codes = new Int8Array(outputs * inputs);
  for (let output = 0; output < outputs; output++) {
    for (const { offset, first } of int8Runs(output, inputs)) {
      const count = Math.min(INT8_RUN, inputs - first);
      codes.set(packed.subarray(offset, offset + count), output * inputs + first);
    }
  }
  return codes;
}

/** Of each run of an output, its first input and its offset in the packed weight. */
function* int8Runs(output: number, inputs: number) {
  const runs = Math.ceil(inputs / INT8_RUN);
  const tile = Math.floor(output / TILE_COLUMNS);
  for (let run = 0; run < runs; run++) {
    const offset = ((tile * runs + run) * TILE_COLUMNS + (output % TILE_COLUMNS)) * INT8_RUN;
    yield { offset, first: run * INT8_RUN };
  }
}

const groupCount = (inputs: number): number => Math.ceil(inputs / GROUP);

/** Bytes of a column's codes. */
const int4ColumnBytes = (inputs: number): number => paddedRows(inputs) / 2;

const roundUp = (count: number, multiple: number): number => Math.ceil(count / multiple) * multiple;

function checkLength(name: string, array: Uint8Array | Int8Array, rows: number, columns: number): void {
  if (array.length === rows * columns) return;
  throw new RangeError(
    `${name} has ${array.length} elements; its shape ${rows} × ${columns} needs ${rows * columns}`,
  );
}
