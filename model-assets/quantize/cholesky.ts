/**
 * @module The Cholesky factor of a symmetric positive definite matrix, fast enough in plain JavaScript for
 * GPT-2's widest layers (3,072 inputs: 5 billion multiply-adds).
 */

/**
 * Rows finished before the rows below are updated, so that those are read and written once instead of eight
 * times.
 */
const BLOCK_ROWS = 8;

/**
 * Factors `A = UᵀU` with U upper triangular, in place.
 *
 * @param a `[size, size]` row-major. U replaces its upper triangle; the rest is unused.
 * @returns whether A is positive definite in double precision; if not, the contents of `a` are undefined.
 */
export function factorInPlace(a: Float64Array, size: number): boolean {
  for (let block = 0; block < size; block += BLOCK_ROWS) {
    const end = Math.min(block + BLOCK_ROWS, size);
    for (let k = block; k < end; k++) {
      for (let above = block; above < k; above++) subtractRow(a, size, k, above);
      if (!scaleRow(a, size, k)) return false;
    }
    if (end - block < BLOCK_ROWS) break; // The last block.
    for (let row = end; row < size; row++) subtractBlock(a, size, row, block);
  }
  return true;
}

/** Divides row k, from its diagonal on, by the square root of its diagonal. */
function scaleRow(a: Float64Array, size: number, k: number): boolean {
  const pivot = a[k * size + k] as number;
  if (!(pivot > 0)) return false;
  const root = Math.sqrt(pivot);
  for (let j = k * size + k; j < (k + 1) * size; j++) a[j] = (a[j] as number) / root;
  return true;
}

/** `A[row, row…] -= U[above, row] · U[above, row…]` */
function subtractRow(a: Float64Array, size: number, row: number, above: number): void {
  const factor = a[above * size + row] as number;
  const to = row * size;
  const from = above * size;
  for (let j = row; j < size; j++) a[to + j] = (a[to + j] as number) - factor * (a[from + j] as number);
}

/** {@link subtractRow} for the eight rows from `block`, in one pass. */
function subtractBlock(a: Float64Array, size: number, row: number, block: number): void {
  const [r0, r1, r2, r3] = [block * size, (block + 1) * size, (block + 2) * size, (block + 3) * size];
  const [r4, r5, r6, r7] = [r0 + 4 * size, r1 + 4 * size, r2 + 4 * size, r3 + 4 * size];
  const factor = (base: number) => a[base + row] as number;
  const [f0, f1, f2, f3] = [factor(r0), factor(r1), factor(r2), factor(r3)];
  const [f4, f5, f6, f7] = [factor(r4), factor(r5), factor(r6), factor(r7)];
  const to = row * size;
  for (let j = row; j < size; j++) {
    a[to + j] =
      (a[to + j] as number) -
      f0 * (a[r0 + j] as number) -
      f1 * (a[r1 + j] as number) -
      f2 * (a[r2 + j] as number) -
      f3 * (a[r3 + j] as number) -
      f4 * (a[r4 + j] as number) -
      f5 * (a[r5 + j] as number) -
      f6 * (a[r6 + j] as number) -
      f7 * (a[r7 + j] as number);
  }
}
