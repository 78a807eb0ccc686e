/**
 * @module Symmetric int8: a weight is `code · scale`, with codes in [-127, 127] and one scale per column.
 *
 * A column is what one output channel of a linear layer reads, or one token of the transposed `wte`: the product
 * of a row of activations and a column has a single scale, so it is summed in integers.
 */

const LARGEST_CODE = 127;
/** The least normal float32. Below it a scale would lose the precision that keeps codes in range. */
const LEAST_SCALE = 2 ** -126;
/** Added to and taken off a small number, this leaves it rounded to an integer, ties to even. */
const ROUNDING = 1.5 * 2 ** 52;

export interface QuantizedColumns {
  /** `[rows, columns]`. */
  readonly codes: Int8Array<ArrayBuffer>;
  /** `[columns]`. */
  readonly scales: Float32Array<ArrayBuffer>;
}

/** What the errors of a tensor add up to, over as many calls as it is quantized in. */
export interface ErrorSums {
  weights: number;
  squares: number;
  squaredErrors: number;
  largestError: number;
}

export const noErrors = (): ErrorSums => ({ weights: 0, squares: 0, squaredErrors: 0, largestError: 0 });

/**
 * Quantizes a matrix by its columns: `scale = max|w| / 127`, `code = w / scale` rounded to the nearest, ties to even,
 * so that no weight is off by more than half a scale. A column of zeros has zeros and scale 1.
 *
 * @param weights `[rows, columns]`, finite.
 * @param sums to which the errors are added.
 */
export function quantizeColumns(weights: Float32Array, columns: number, sums: ErrorSums): QuantizedColumns {
  const scales = columnScales(weights, columns);
  const codes = new Int8Array(weights.length);
  let { squares, squaredErrors, largestError } = sums;
  for (let row = 0; row < weights.length; row += columns) {
    for (let column = 0; column < columns; column++) {
      const weight = weights[row + column] as number;
      const scale = scales[column] as number;
      const code = weight / scale + ROUNDING - ROUNDING;
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
    scales[column] = largest === 0 ? 1 : Math.max(largest / LARGEST_CODE, LEAST_SCALE);
  }
  return scales;
}

/** @returns the manifest's report: errors relative to the tensor's root mean square. */
export function quantizationReport(name: string, sums: ErrorSums) {
  const { weights, squares, squaredErrors, largestError } = sums;
  return {
    name,
    max_error: squares === 0 ? 0 : largestError / Math.sqrt(squares / weights),
    relative_rms_error: squares === 0 ? 0 : Math.sqrt(squaredErrors / squares),
  };
}
