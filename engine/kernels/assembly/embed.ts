/**
 * Embeddings of tokens at positions, from `wte` at 8 or 4 bits (AssemblyScript).
 *
 *     hidden[r][k] = code[token[r]][k] · scale[token[r]] + wpe[position[r]][k]
 *
 * `packInt8` and `packInt4` of `model-assets/format/packed.ts` define the layouts: tiles of four tokens, in runs of
 * sixteen inputs at 8 bits, and of eight at 4 bits.
 */
import { TILE_COLUMNS } from './tile';

const FLOAT_BYTES: usize = 4;
/** Inputs of a token that lie side by side. */
const RUN: usize = 16;
/** Inputs that share a multiplier at 4 bits. */
const GROUP: usize = 32;
/** Bytes of eight inputs of a tile's four tokens at 4 bits. */
const INT4_RUN_BYTES: usize = 16;
const INT4_RUN: usize = 8;
/** The stored code of zero at 4 bits. */
const ZERO_CODE: i32 = 8;

/**
 * @param tokens `[rows]` u32
 * @param positions `[rows]` u32
 * @param wpe `[n_positions, inputs]` f32
 * @param hidden receives `[rows, inputs]` f32
 */
export function embed(
  tokens: usize,
  positions: usize,
  rows: i32,
  inputs: usize,
  codes: usize,
  scales: usize,
  wpe: usize,
  hidden: usize,
): void {
  const tileBytes = ((inputs + RUN - 1) & ~(RUN - 1)) * TILE_COLUMNS;
  for (let row = 0; row < rows; row++) {
    const token = <usize>load<u32>(tokens + <usize>row * 4);
    const tokenCodes = codes + (token / TILE_COLUMNS) * tileBytes + (token % TILE_COLUMNS) * RUN;
    const scale = load<f32>(scales + token * FLOAT_BYTES);
    const position = wpe + <usize>load<u32>(positions + <usize>row * 4) * inputs * FLOAT_BYTES;
    for (let i: usize = 0; i < inputs; i++) {
      const code = <f32>load<i8>(tokenCodes + (i / RUN) * TILE_COLUMNS * RUN + (i % RUN));
      store<f32>(hidden + i * FLOAT_BYTES, code * scale + load<f32>(position + i * FLOAT_BYTES));
    }
    hidden += inputs * FLOAT_BYTES;
  }
}


/**
 * The same from an embedding at 4 bits, whose codes are times multipliers.
 * @param vocabulary the number of tokens
 */
export function embedInt4(
  tokens: usize,
  positions: usize,
  rows: i32,
  inputs: usize,
  vocabulary: usize,
  weights: usize,
  scales: usize,
  wpe: usize,
  hidden: usize,
): void {
  const groups = (inputs + GROUP - 1) / GROUP;
  const tileBytes = groups * (GROUP / INT4_RUN) * INT4_RUN_BYTES;
  const firstMultipliers = weights + ((vocabulary + TILE_COLUMNS - 1) / TILE_COLUMNS) * tileBytes;
  for (let row = 0; row < rows; row++) {
    const token = <usize>load<u32>(tokens + <usize>row * 4);
    const tile = token / TILE_COLUMNS;
    const column = token % TILE_COLUMNS;
    const codes = weights + tile * tileBytes + (column % 2) * INT4_RUN;
    const shift: i32 = column < 2 ? 0 : 4;
    const multipliers = firstMultipliers + tile * groups * TILE_COLUMNS + column;
    const scale = load<f32>(scales + token * FLOAT_BYTES);
    const position = wpe + <usize>load<u32>(positions + <usize>row * 4) * inputs * FLOAT_BYTES;
    for (let i: usize = 0; i < inputs; i++) {
      const byte = <i32>load<u8>(codes + (i / INT4_RUN) * INT4_RUN_BYTES + (i % INT4_RUN));
      const steps = ((byte >> shift) & 15) - ZERO_CODE;
      const multiplier = <i32>load<u8>(multipliers + (i / GROUP) * TILE_COLUMNS);
      const value = <f32>(steps * multiplier) * scale;
      store<f32>(hidden + i * FLOAT_BYTES, value + load<f32>(position + i * FLOAT_BYTES));
    }
    hidden += inputs * FLOAT_BYTES;
  }
}
