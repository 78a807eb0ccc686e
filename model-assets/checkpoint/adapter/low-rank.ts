/** @module The product of an adapter's two matrices, and its addition to rows of a weight. */
import { elementsOf, type StoredTensor } from '../interface/stored-tensor.ts';
import { transpose } from '../interface/transpose.ts';

/** A change of a weight `[rows, columns]`: `scaling` times the product of both matrices. */
export interface LowRank {
  /**
   * What the weight belongs to. Of a `Conv1D` and an embedding, whose weights are `[in, out]`, the product is
   * transposed; of a `Linear`, whose weight is `[out, in]`, it is not.
   */
  readonly layer: 'conv1d' | 'embedding' | 'linear';
  /** `[rank, in]` */
  readonly a: StoredTensor;
  /** `[out, rank]` */
  readonly b: StoredTensor;
  readonly scaling: number;
  /** DoRA's magnitudes, `[out]`. */
  readonly magnitude?: StoredTensor | undefined;
  /** Of B, `[out]`: it is added to the layer's bias, times `scaling`. */
  readonly bias?: StoredTensor | undefined;
}

/** Both matrices in the order of the weight. */
export interface Factors {
  /** `[rows, rank]` */
  readonly rows: Float32Array;
  /** `[rank, columns]` */
  readonly columns: Float32Array;
  readonly rank: number;
  readonly scaling: number;
}

export const readWhole = (tensor: StoredTensor): Promise<Float32Array> =>
  tensor.read(0, elementsOf(tensor.shape));

export async function readFactors({ layer, a, b, scaling }: LowRank): Promise<Factors> {
  const [rank = 1, inputs = 1] = a.shape;
  const [valuesOfA, valuesOfB] = [await readWhole(a), await readWhole(b)];
  if (layer === 'linear') return { rows: valuesOfB, columns: valuesOfA, rank, scaling };
  return { rows: transpose(valuesOfA, inputs), columns: transpose(valuesOfB, rank), rank, scaling };
}

/**
 * Adds the product to some rows of the weight, in place. Each element's product is summed in float64 and rounded to
 * float32 once, then multiplied and added in float32, as peft does.
 *
 * @param values rows of the weight, from `firstRow`.
 */
export function addProduct(
  values: Float32Array,
  firstRow: number,
  { rows, columns, rank, scaling }: Factors,
): void {
  const width = columns.length / rank;
  const sums = new Float64Array(width);
  const factor = Math.fround(scaling);
  for (let start = 0, row = firstRow; start < values.length; start += width, row++) {
    sums.fill(0);
    for (let k = 0; k < rank; k++) {
      const left = rows[row * rank + k] as number;
      for (let j = 0, at = k * width; j < width; j++, at++)
        sums[j] = (sums[j] as number) + left * (columns[at] as number);
    }
    for (let j = 0; j < width; j++) {
      const delta = Math.fround(Math.fround(sums[j] as number) * factor);
      values[start + j] = (values[start + j] as number) + delta;
    }
  }
}
