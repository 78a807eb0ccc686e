/** A tile is four columns of a weight. The kernels multiply it with a block of up to eight rows at a time. */

export const TILE_COLUMNS: usize = 4;

const FLOAT_BYTES: usize = 4;
const VECTOR_BYTES: usize = 16;
const HALF_ROW_BYTES: usize = 8;

/** Size of the next block of rows. */
// @ts-ignore: decorator
@inline
export function blockRows(remaining: i32): i32 {
  return remaining >= 8 ? 8 : remaining >= 4 ? 4 : remaining >= 2 ? 2 : 1;
}

/**
 * Dequantizes the sums of one tile: `y = sum · columnScale · rowScale + bias`.
 * @param sums `[rows, 4]` i32, or in halves of the tile `[2, rows, 2]`
 * @param rows an even number if the sums are in halves
 * @param rowScales `[rows]` f32
 * @param columnScales those of the tile's columns
 * @param bias that of the tile's columns, or 0 for none
 * @param columns remaining outputs; only the first four are stored
 * @param y output of the first row and column
 * @param stride bytes from one row of `y` to the next
 */
// @ts-ignore: decorator
@inline
export function storeOutputs(
  sums: usize,
  rows: i32,
  inHalves: bool,
  rowScales: usize,
  columnScales: usize,
  bias: usize,
  columns: usize,
  y: usize,
  stride: usize,
): void {
  if (columns < TILE_COLUMNS) {
    const right = inHalves ? sums + <usize>rows * HALF_ROW_BYTES : sums + HALF_ROW_BYTES;
    const rowBytes = inHalves ? HALF_ROW_BYTES : VECTOR_BYTES;
    storeColumns(sums, right, rowBytes, rows, rowScales, columnScales, bias, columns, y, stride);
    return;
  }
  const scale = v128.load(columnScales);
  const shift = bias ? v128.load(bias) : f32x4.splat(0);
  const end = rowScales + <usize>rows * FLOAT_BYTES;
  if (inHalves) {
    const right = <usize>rows * HALF_ROW_BYTES;
    for (; rowScales < end; rowScales += 2 * FLOAT_BYTES) {
      // Rows are joined in registers: a load after stores of a vector's parts would wait for them.
      const first = v128.load(sums);
      const last = v128.load(sums + right);
      const y0 = dequantized(v128.shuffle<i64>(first, last, 0, 2), scale, rowScales);
      v128.store(y, bias ? f32x4.add(y0, shift) : y0);
      const y1 = dequantized(v128.shuffle<i64>(first, last, 1, 3), scale, rowScales + FLOAT_BYTES);
      v128.store(y + stride, bias ? f32x4.add(y1, shift) : y1);
      sums += VECTOR_BYTES;
      y += 2 * stride;
    }
    return;
  }
  for (; rowScales < end; rowScales += FLOAT_BYTES) {
    const product = dequantized(v128.load(sums), scale, rowScales);
    v128.store(y, bias ? f32x4.add(product, shift) : product);
    sums += VECTOR_BYTES;
    y += stride;
  }
}

// @ts-ignore: decorator
@inline
function dequantized(sums: v128, scale: v128, rowScale: usize): v128 {
  return f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sums), scale), v128.load32_splat(rowScale));
}

/** The last columns, where they are less than a tile: one by one. @param right sums of the third and the fourth */
function storeColumns(
  left: usize,
  right: usize,
  rowBytes: usize,
  rows: i32,
  rowScales: usize,
  columnScales: usize,
  bias: usize,
  columns: usize,
  y: usize,
  stride: usize,
): void {
  for (let row = 0; row < rows; row++) {
    for (let column: usize = 0; column < columns; column++) {
      const sum = load<i32>((column < 2 ? left : right) + (column & 1) * 4);
      const i = column * FLOAT_BYTES;
      const product = <f32>sum * load<f32>(columnScales + i) * load<f32>(rowScales);
      store<f32>(y + i, bias ? product + load<f32>(bias + i) : product);
    }
    left += rowBytes;
    right += rowBytes;
    rowScales += FLOAT_BYTES;
    y += stride;
  }
}
