/**
 * @module Symmetric int8: a weight is `code · scale`, with codes in [-127, 127] and one scale per column.
 *
 * A column holds the weights of one output of a linear layer, or of one token of the transposed `wte`. The
 * dot product of an activation row and a column has a single scale, so it is summed in integers.
 */
import type { ErrorSums } from './error-sums.ts';
import { roundTiesToEven } from './rounding.ts';

const MAX_CODE = 127;
/** The smallest normal float32. A subnormal scale would lose the precision that keeps codes in range. */
const MIN_SCALE = 2 ** -126;

export interface QuantizedColumns {
  /** `[rows, columns]`. */
  readonly codes: Int8Array<ArrayBuffer>;
  /** `[columns]`. */
  readonly scales: Float32Array<ArrayBuffer>;
}

/**
 * Quantizes a matrix per column: `scale = max|w| / 127`, `code = w / scale` rounded to nearest, ties to even.
 * No weight's error exceeds half a scale. A column of zeros gets codes 0 and scale 1.
 *
 * @param weights `[rows, columns]`, finite.
 * @param sums the errors are added to these.
 */
export function quantizeColumns(weights: Float32Array, columns: number, sums: ErrorSums): QuantizedColumns {
  const scales = columnScales(weights, columns);
  const codes = new Int8Array(weights.length);
  let { squares, squaredErrors, largestError } = sums;
  for (let row = 0; row < weights.length; row += columns) {
    for (let column = 0; column < columns; column++) {
      const weight = weights[row + column] as number;
      const scale = scales[column] as number;
      const code = roundTiesToEven(weight / scale);
      codes[row + column] = code;
      const error = Math.abs(weight - code * scale);
      squares += weight * weight;
      squaredErrors += error * error;
      if (error > largestError) largestError = error;
    }
  }
  Object.assign(sums, { weights: sums.weights + weights.length, squares, squaredErrors, largestError });
  return { codes, scales };
}

function columnScales(weights: Float32Array, columns: number): Float32Array<ArrayBuffer> {
  const scales = new Float32Array(columns);
  for (let row = 0; row < weights.length; row += columns) {
    for (let column = 0; column < columns; column++) {
      const magnitude = Math.abs(weights[row + column] as number);
      if (magnitude > (scales[column] as number)) scales[column] = magnitude;
    }
  }
  for (let column = 0; column < columns; column++) {
    const largest = scales[column] as number;
    scales[column] = largest === 0 ? 1 : Math.max(largest / MAX_CODE, MIN_SCALE);
  }
  return scales;
}
