/**
 * The 4-bit linear layer `y = x · W + bias`, over rows that are quantized to 8 bits (AssemblyScript, WASM SIMD).
 *
 *     W[k][n] = (code[k][n] - 8) · multiplier[k / 32][n] · scale[n]      code 0 … 15, multiplier 0 … 255
 *     sum[r][n] = Σ_g multiplier[g][n] · Σ_{k in g} q[r][k] · (code[k][n] - 8)
 *     y[r][n] = sum[r][n] · scale[n] · rowScale[r] + bias[n]
 *
 * All integer sums are exact, so a row's result is bit-identical in any batch.
 *
 * - The partial sums of a group start at the correction for the zero point of 8, and each is at most
 *   16 · 127 · 8 = 16,256 at its end. So they meet their multipliers in 16 bits, in `dot_i16x8`; on the way
 *   there, 16-bit sums may wrap around without harm.
 * - The sum over all groups stays below 2^31 for up to 8,288 inputs (259 groups · 255 · 32,512 < 2^31).
 *
 * `packInt4` of `model-assets/format/packed.ts` defines the layout of the weights: tiles of four columns, in
 * vectors of eight inputs of two columns. So a row's codes are broadcast by eight, half as often as by four,
 * and the sums of both pairs of columns meet their multipliers together.
 */
import { inRegister } from './in-register';
import { OFFSET_BYTES, offsetsOf, paddedLength, scalesOf, tailOf } from './quantize-rows';
import { firstBurst, readAhead } from './read-ahead';
import { blockRows, storeOutputs, TILE_COLUMNS } from './tile';
import {
  MULTIPLIER_BYTES,
  ROW_GROUP_BYTES,
  TILE_GROUP_BYTES,
  tile1,
  tile2,
  tile4,
  tile8,
  tilePair1,
} from './tiles-int4';

const FLOAT_BYTES: usize = 4;
const VECTOR_BYTES: usize = 16;
/** See `readAhead`. With 4 kB, 8 rows take a tenth longer; 8 to 64 kB are equal. */
const BURST_BYTES: usize = 16384;

/**
 * @param quantized `[rows, inputs]`, by `quantizeRows` of the same form; its tail holds the sums of the
 *   tiles at hand
 * @param weights the output of `packInt4`
 * @param columnScales `[outputs]` f32
 * @param bias `[outputs]` f32
 * @param y receives `[rows, outputs]` f32
 */
// @ts-ignore: decorator
@inline
export function matmulInt4Of<Sum>(
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
  const groups = k / ROW_GROUP_BYTES;
  const offsets = offsetsOf(quantized, rows, inputs);
  const scales = scalesOf(quantized, rows, inputs);
  const sums = tailOf(quantized, rows, inputs);
  const tiles = (outputs + TILE_COLUMNS - 1) / TILE_COLUMNS;
  const nibbleMask = inRegister(i8x16.splat(15), sums);
  const tileBytes = groups * TILE_GROUP_BYTES;
  const end = weights + tiles * tileBytes;
  let codes = weights;
  let multipliers = end;
  let ahead = firstBurst(weights, end);
  // One row takes the tiles of both halves together, a fifth faster than one after the other: two streams, each in
  // the order of memory. With neighbouring tiles in turn the processor's prefetcher gives up: twice the time.
  const pairs: usize = rows == 1 ? tiles / 2 : 0;
  const halfBytes = pairs * tileBytes;
  const halfMultipliers = pairs * groups * MULTIPLIER_BYTES;
  let column: usize = 0;
  for (const half = pairs * TILE_COLUMNS; column < half; column += TILE_COLUMNS) {
    if (ahead < min(codes + 2 * tileBytes, weights + halfBytes)) {
      readAhead(ahead + halfBytes, weights + 2 * halfBytes, BURST_BYTES / 2, sums);
      ahead = readAhead(ahead, weights + halfBytes, BURST_BYTES / 2, sums);
    }
    tilePair1<Sum>(codes, halfBytes, multipliers, halfMultipliers, quantized, offsets, groups, nibbleMask, sums);
    storeRow(sums, scales, columnScales, bias, column, outputs, y);
    storeRow(sums + VECTOR_BYTES, scales, columnScales, bias, half + column, outputs, y);
    codes += tileBytes;
    multipliers += groups * MULTIPLIER_BYTES;
  }
  column += column;
  codes += halfBytes;
  multipliers += halfMultipliers;
  ahead = max(ahead, codes);
  for (; column < outputs; column += TILE_COLUMNS) {
    if (ahead < min(codes + 2 * tileBytes, end)) ahead = readAhead(ahead, end, BURST_BYTES, sums);
    // All rows while the tile is in the CPU cache: each weight is read from memory once.
    let row = 0;
    while (row < rows) {
      const count = blockRows(rows - row);
      const rowCodes = quantized + <usize>row * k;
      const offset = offsets + <usize>row * groups * OFFSET_BYTES;
      if (count == 8) tile8<Sum>(codes, multipliers, rowCodes, offset, groups, nibbleMask, sums);
      else if (count == 4) tile4<Sum>(codes, multipliers, rowCodes, offset, groups, nibbleMask, sums);
      else if (count == 2) tile2<Sum>(codes, multipliers, rowCodes, offset, groups, nibbleMask, sums);
      else tile1<Sum>(codes, multipliers, rowCodes, offset, groups, nibbleMask, sums);
      storeOutputs(
        sums,
        count,
        false,
        scales + <usize>row * FLOAT_BYTES,
        columnScales + column * FLOAT_BYTES,
        bias + column * FLOAT_BYTES,
        outputs - column,
        y + (<usize>row * outputs + column) * FLOAT_BYTES,
        outputs * FLOAT_BYTES,
      );
      row += count;
    }
    codes += tileBytes;
    multipliers += groups * MULTIPLIER_BYTES;
  }
}

/** `storeOutputs` of one row. */
// @ts-ignore: decorator
@inline
function storeRow(
  sums: usize,
  scales: usize,
  columnScales: usize,
  bias: usize,
  column: usize,
  outputs: usize,
  y: usize,
): void {
  const offset = column * FLOAT_BYTES;
  storeOutputs(sums, 1, false, scales, columnScales + offset, bias + offset, outputs - column, y + offset, 0);
}
