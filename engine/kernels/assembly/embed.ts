/**
 * Embeddings of tokens at positions, from the tied `wte` at 8 bits (AssemblyScript).
 *
 *     hidden[r][k] = code[token[r]][k] · scale[token[r]] + wpe[position[r]][k]
 *
 * `packInt8` of `model-assets/format/packed.ts` defines the layout of the codes: tiles of four tokens, in
 * runs of sixteen inputs.
 */
import { TILE_COLUMNS } from './tile';

const FLOAT_BYTES: usize = 4;
/** Inputs of a token that lie side by side. */
const RUN: usize = 16;

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

