/**
 * A tile is four columns of a weight, which are multiplied with up to eight rows at a time.
 *
 * `@inline` is AssemblyScript's own: TypeScript, which editors check this with, allows no decorator on a function, hence
 * the `@ts-ignore` above each.
 */

export const COLUMNS: usize = 4;

const FLOAT: usize = 4;
const VECTOR: usize = 16;

/** How many of the rows that are left one pass over a tile takes. */
// @ts-ignore: decorator
@inline
export function blockOf(left: i32): i32 {
  return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

/**
 * `y = sum · columnScale · scale + bias` of some rows, for a tile's four columns or those that are left.
 * @param sums four i32 for each row
 * @param scales one for each row
 * @param bias 0 when there is none
 * @param y receives the rows, `stride` bytes apart
 */
// @ts-ignore: decorator
@inline
export function finish(
  sums: usize,
  rows: i32,
  scales: usize,
  columnScales: usize,
  bias: usize,
  left: usize,
  y: usize,
  stride: usize,
): void {
  for (const end = sums + <usize>rows * VECTOR; sums < end; sums += VECTOR) {
    if (left >= COLUMNS) {
      const scaled = f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums)), v128.load(columnScales));
      const product = f32x4.mul(scaled, v128.load32_splat(scales));
      v128.store(y, bias ? f32x4.add(product, v128.load(bias)) : product);
    } else {
      for (let i: usize = 0; i < left * FLOAT; i += FLOAT) {
        const product = <f32>load<i32>(sums + i) * load<f32>(columnScales + i) * load<f32>(scales);
        store<f32>(y + i, bias ? product + load<f32>(bias + i) : product);
      }
    }
    scales += FLOAT;
    y += stride;
  }
}
