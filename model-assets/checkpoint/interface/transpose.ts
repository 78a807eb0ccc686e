/** @module Transposes matrices. */

/** @returns `values` `[rows, columns]` as `[columns, rows]`. */
export function transpose<T extends Float32Array | Int8Array | Uint8Array>(values: T, columns: number): T {
  const rows = values.length / columns;
  const transposed = new (values.constructor as new (length: number) => T)(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      transposed[column * rows + row] = values[row * columns + column] as number;
    }
  }
  return transposed;
}
