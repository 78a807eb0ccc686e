/**
 * The 8-bit linear layer `y = x · W + bias`, over rows that are quantized to 8 bits (AssemblyScript, WASM SIMD).
 * lm_head is one too: its outputs are the tokens, its weight the tied `wte`, and it has no bias.
 *
 *     W[k][n] = code[n][k] · scale[n]
 *     y[r][n] = (Σ_k q[r][k] · code[n][k]) · scale[n] · rowScale[r] + bias[n]
 *
 * The sums are exact in 32 bits for up to 130,000 inputs.
 *
 * `packInt8` of `model-assets/format/packed.ts` defines the layout of the codes: tiles of four outputs, in runs
 * of sixteen inputs. With runs, one load of a row's codes serves all outputs. Runs of four inputs would need a
 * broadcast of the row's codes first: a third more work.
 */
import { probeDotAdd, UNSIGNED_OPERAND } from './dot';
import { inRegister } from './in-register';
import { flipsOf, paddedLength, scalesOf, TAIL_BYTES, tailOf } from './quantize-rows';
import { firstBurst, readAhead } from './read-ahead';
import { blockRows, storeOutputs, TILE_COLUMNS } from './tile';
import {
  HALF_TILE_BYTES,
  halfTile4,
  halfTile6,
  prepare,
  STEP,
  TILE_STEP_BYTES,
  tile1,
  tile2,
  widenedTile2,
} from './tiles-int8';

const FLOAT_BYTES: usize = 4;
const VECTOR_BYTES: usize = 16;
/** See `readAhead`. With 16 kB, lm_head takes as long as without bursts. */
const BURST_BYTES: usize = 4096;

/**
 * Products in pairs need the codes in 16 bits, and a processor that reads them as unsigned needs their top bits flipped. From
 * so many rows on, a tile is prepared once for all rows, in the memory after the tail, and not once for every four.
 */
const PREPARED_ROWS: i32 = 12;
/** Rows that a prepared tile is multiplied with at a time, where products are in fours and in pairs. */
const DOT_ROWS = 6;
const PAIR_ROWS = 2;

/**
 * @param quantized `[rows, inputs]`, by `quantizeRows` of the same form; its tail holds the sums of one tile
 *   at a time
 * @param weights the output of `packInt8`
 * @param columnScales `[outputs]` f32
 * @param bias `[outputs]` f32, or 0 for none
 * @param y receives `[rows, outputs]` f32
 */
// @ts-ignore: decorator
@inline
export function matmulInt8Of<Sum>(
  quantized: usize,
  rows: i32,
  inputs: usize,
  outputs: usize,
  weights: usize,
  columnScales: usize,
  bias: usize,
  y: usize,
): void {
  const k = paddedLength(inputs);
  const scales = scalesOf(quantized, rows, inputs);
  const sums = tailOf(quantized, rows, inputs);
  const isPrepared = rows >= PREPARED_ROWS;
  const preparedRows = sizeof<Sum>() == 4 ? DOT_ROWS : PAIR_ROWS;
  const prepared = (sums + TAIL_BYTES + VECTOR_BYTES - 1) & ~(VECTOR_BYTES - 1);
  const steps = (inputs + STEP - 1) / STEP;
  const flip = inRegister(i8x16.splat(flippedBits<Sum>()), sums);
  const flips = flipsOf(quantized, rows, inputs);
  const tileBytes = steps * TILE_STEP_BYTES;
  const end = weights + ((outputs + TILE_COLUMNS - 1) / TILE_COLUMNS) * tileBytes;
  let ahead = firstBurst(weights, end);
  for (let column: usize = 0; column < outputs; column += TILE_COLUMNS) {
    if (ahead < min(weights + 2 * tileBytes, end)) ahead = readAhead(ahead, end, BURST_BYTES, sums);
    if (isPrepared) prepare<Sum>(weights, tileBytes, flip, prepared);
    let row = 0;
    while (row < rows) {
      const usesPrepared = isPrepared && rows - row >= preparedRows;
      const count = usesPrepared ? preparedRows : min(blockRows(rows - row), 4);
      const x = quantized + <usize>row * k;
      const firstSums = flips + <usize>row * 4;
      if (sizeof<Sum>() == 4 && usesPrepared) {
        halfTile6(prepared, x, k, steps, flip, firstSums, sums);
        halfTile6(prepared + HALF_TILE_BYTES, x, k, steps, flip, firstSums, sums + 48);
      } else if (count == 4) {
        halfTile4<Sum>(weights, x, k, steps, flip, firstSums, sums);
        halfTile4<Sum>(weights + HALF_TILE_BYTES, x, k, steps, flip, firstSums, sums + 32);
      } else if (usesPrepared) widenedTile2(prepared, x, k, steps, sums);
      else if (count == 2) tile2<Sum>(weights, x, k, steps, flip, firstSums, sums);
      else tile1<Sum>(weights, x, steps, flip, firstSums, sums);
      storeOutputs(
        sums,
        count,
        count >= 4,
        scales + <usize>row * FLOAT_BYTES,
        columnScales + column * FLOAT_BYTES,
        bias ? bias + column * FLOAT_BYTES : 0,
        outputs - column,
        y + (<usize>row * outputs + column) * FLOAT_BYTES,
        outputs * FLOAT_BYTES,
      );
      row += count;
    }
    weights += tileBytes;
  }
}

/**
 * The bits to flip in a code. Where the processor reads it as unsigned, its top bit: the code plus 128 is
 * unsigned, and 128 · Σ q comes off the sum (see {@link firstSum}).
 */
// @ts-ignore: decorator
@inline
function flippedBits<Sum>(): i8 {
  if (sizeof<Sum>() == 4) return probeDotAdd() == UNSIGNED_OPERAND ? -128 : 0;
  return 0;
}
