/** @module The order in which the kernels of `engine/kernels/` read quantized weights. */
import { GROUP, ZERO_CODE } from './int4.ts';

/** Columns of a tile, or tokens. */
const COLUMNS = 4;

/**
 * A 4-bit weight `[inputs, outputs]` as `assembly/matmul.ts` reads it: tiles of four columns, for each tile its groups
 * of 32 rows in order, for each group four vectors of 16 bytes. Byte `4 · column + i` of vector v holds the codes of
 * rows `8v + i` (low half) and `8v + 4 + i` (high half). After them the multipliers, `[tile, group, 4]`. Rows and
 * columns that fill up are zeros.
 *
 * @param codes `[inputs, outputs]`, 0 … 15
 * @param multipliers `[ceil(inputs / 32), outputs]`
 * @throws RangeError when the lengths are not those of the shape, or a code is above 15
 */
export function packInt4(
  codes: Uint8Array,
  multipliers: Uint8Array,
  inputs: number,
  outputs: number,
): Uint8Array<ArrayBuffer> {
  const groups = Math.ceil(inputs / GROUP);
  const tiles = Math.ceil(outputs / COLUMNS);
  checkLength('codes', codes, inputs * outputs, `${inputs} × ${outputs}`);
  checkLength('multipliers', multipliers, groups * outputs, `${groups} × ${outputs}`);
  const tooLarge = codes.findIndex((code) => code > 15);
  if (tooLarge >= 0) throw new RangeError(`codes[${tooLarge}] is ${codes[tooLarge]}; 4 bits hold 0 to 15`);

  const tileBytes = groups * GROUP * (COLUMNS / 2);
  const packed = new Uint8Array(tiles * (tileBytes + groups * COLUMNS));
  packed.fill(ZERO_CODE * 0x11, 0, tiles * tileBytes);
  for (let row = 0; row < inputs; row++) {
    const place = Math.floor(row / 8) * 16 + (row % 4);
    const shift = row % 8 < 4 ? 0 : 4;
    for (let column = 0; column < outputs; column++) {
      const at = Math.floor(column / COLUMNS) * tileBytes + place + 4 * (column % COLUMNS);
      const code = codes[row * outputs + column] as number;
      packed[at] = ((packed[at] as number) & (0xf0 >> shift)) | (code << shift);
    }
  }
  for (let group = 0; group < groups; group++) {
    for (let column = 0; column < outputs; column++) {
      const tile = Math.floor(column / COLUMNS);
      const at = tiles * tileBytes + (tile * groups + group) * COLUMNS + (column % COLUMNS);
      packed[at] = multipliers[group * outputs + column] as number;
    }
  }
  return packed;
}

/** Inputs of one token that lie side by side. */
const TOKEN_STEP = 16;

/**
 * `wte` at 8 bits as `assembly/lm-head.ts` reads it: tiles of four tokens, for each tile its inputs sixteen by sixteen
 * in order, and of those each token's codes. Inputs are filled up to a multiple of 16, tokens to one of 4, with zeros.
 *
 * @param codes `[tokens, inputs]`, as a checkpoint has it
 * @throws RangeError when the length is not that of the shape
 */
export function packTokens(codes: Int8Array, tokens: number, inputs: number): Int8Array<ArrayBuffer> {
  checkLength('codes', codes, tokens * inputs, `${tokens} × ${inputs}`);
  const steps = Math.ceil(inputs / TOKEN_STEP);
  const packed = new Int8Array(Math.ceil(tokens / COLUMNS) * steps * COLUMNS * TOKEN_STEP);
  for (let token = 0; token < tokens; token++) {
    const row = codes.subarray(token * inputs, (token + 1) * inputs);
    for (let step = 0; step < steps; step++) {
      const at = (Math.floor(token / COLUMNS) * steps + step) * COLUMNS + (token % COLUMNS);
      packed.set(row.subarray(step * TOKEN_STEP, (step + 1) * TOKEN_STEP), at * TOKEN_STEP);
    }
  }
  return packed;
}

function checkLength(name: string, array: Uint8Array | Int8Array, expected: number, shape: string): void {
  if (array.length === expected) return;
  throw new RangeError(`${name} has ${array.length} elements, and a shape of ${shape} has ${expected}`);
}
