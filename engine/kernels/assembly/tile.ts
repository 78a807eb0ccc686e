/** A tile is four columns of a weight. The kernels multiply it with a block of up to eight rows at a time. */

export const TILE_COLUMNS: usize = 4;

const FLOAT_BYTES: usize = 4;
const VECTOR_BYTES: usize = 16;

/** Size of the next block of rows. */
// @ts-ignore: decorator
@inline
export function blockRows(remaining: i32): i32 {
  return remaining >= 8 ? 8 : remaining >= 4 ? 4 : remaining >= 2 ? 2 : 1;
}

/**
 * Dequantizes the sums of one tile: `y = sum · columnScale · rowScale + bias`.
 * @param sums `[rows, 4]` i32
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
  rowScales: usize,
  columnScales: usize,
  bias: usize,
  columns: usize,
  y: usize,
  stride: usize,
): void {
  const end = sums + <usize>rows * VECTOR_BYTES;
  if (columns >= TILE_COLUMNS) {
    const scale = v128.load(columnScales);
    const shift = bias ? v128.load(bias) : f32x4.splat(0);
    for (; sums < end; sums += VECTOR_BYTES) {
      const scaled = f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums)), scale);
      const product = f32x4.mul(scaled, v128.load32_splat(rowScales));
      v128.store(y, bias ? f32x4.add(product, shift) : product);
      rowScales += FLOAT_BYTES;
      y += stride;
    }
    return;
  }
  for (; sums < end; sums += VECTOR_BYTES) {
    for (let i: usize = 0; i < columns * FLOAT_BYTES; i += FLOAT_BYTES) {
      const product = <f32>load<i32>(sums + i) * load<f32>(columnScales + i) * load<f32>(rowScales);
      store<f32>(y + i, bias ? product + load<f32>(bias + i) : product);
    }
    rowScales += FLOAT_BYTES;
    y += stride;
  }
}
