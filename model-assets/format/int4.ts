/**
 * @module The layout of quantized weights in the weight stream, as the kernels of `engine/kernels/` read
 * them: 4-bit linear layers and the 8-bit token embedding.
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

/** Outputs of a 4-bit layer, or tokens, in a tile. */
const TILE_COLUMNS = 4;
/** Rows in one 16-byte vector of a 4-bit tile: 8 codes for each of 4 columns. */
const VECTOR_ROWS = 8;
const VECTOR_BYTES = 16;
/** Inputs of a token that are stored side by side. */
const TOKEN_RUN = 16;

/** `rows` rounded up to a multiple of {@link GROUP}. */
export const paddedRows = (rows: number): number => roundUp(rows, GROUP);

/** Bytes that {@link packInt4} returns: half a byte per code, and a multiplier per group. */
export function int4Bytes(inputs: number, outputs: number): number {
  return roundUp(outputs, TILE_COLUMNS) * (int4ColumnBytes(inputs) + groupCount(inputs));
}

/** Bytes that {@link packTokens} returns. */
export function int8TokensBytes(tokens: number, inputs: number): number {
  return roundUp(tokens, TILE_COLUMNS) * roundUp(inputs, TOKEN_RUN);
}

/**
 * Packs a 4-bit weight `[inputs, outputs]` for `assembly/matmul.ts`. The codes come first, in tiles of four
 * columns. A tile contains its groups of 32 rows in order; a group is four vectors of 16 bytes. Byte
 * `4 · column + i` of vector v contains the codes of rows `8v + i` (low nibble) and `8v + 4 + i` (high
 * nibble). The multipliers follow, `[tile, group, 4]`. Rows and columns are padded with zeros.
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
    const rowOffset = Math.floor(row / VECTOR_ROWS) * VECTOR_BYTES + (row % 4);
    const shift = row % VECTOR_ROWS < 4 ? 0 : 4;
    for (let column = 0; column < outputs; column++) {
      const tile = Math.floor(column / TILE_COLUMNS);
      const offset = tile * tileBytes + rowOffset + 4 * (column % TILE_COLUMNS);
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
 * Packs the 8-bit `wte` for `assembly/lm-head.ts`, in tiles of four tokens. A tile holds its inputs in runs
 * of 16, in order; of each run it holds the codes of its four tokens in turn. Inputs are padded to a multiple
 * of 16 and tokens to one of 4, with zeros.
 *
 * @param codes `[tokens, inputs]`, as in a checkpoint
 * @throws RangeError if the length does not match the shape
 */
export function packTokens(codes: Int8Array, tokens: number, inputs: number): Int8Array<ArrayBuffer> {
  checkLength('codes', codes, tokens, inputs);
  const runs = Math.ceil(inputs / TOKEN_RUN);
  const packed = new Int8Array(int8TokensBytes(tokens, inputs));
  for (let token = 0; token < tokens; token++) {
    const row = codes.subarray(token * inputs, (token + 1) * inputs);
    const tile = Math.floor(token / TILE_COLUMNS);
    for (let run = 0; run < runs; run++) {
      const offset = ((tile * runs + run) * TILE_COLUMNS + (token % TILE_COLUMNS)) * TOKEN_RUN;
      packed.set(row.subarray(run * TOKEN_RUN, (run + 1) * TOKEN_RUN), offset);
    }
  }
  return packed;
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
