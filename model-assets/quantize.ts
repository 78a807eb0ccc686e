/**
 * @module Symmetric int8: a weight is `code · scale`, with codes in [-127, 127] and one scale per column.
 *
 * A column is what one output channel of a linear layer reads, or one token of the transposed `wte`: the product
 * of a row of activations and a column has a single scale, so it is summed in integers.
 */

const LARGEST_CODE = 127;
const LARGEST_CODE_7 = 63;
/** Clippings that are tried in 7 bits: from none to 3/5 of the largest weight. */
const CLIPPING_STEP = 0.02;
const CLIPPINGS = 21;
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
  return roundColumns(weights, columnScales(weights, columns), LARGEST_CODE, sums);
}

/**
 * The same in 7 bits, with codes in [-63, 63]. They are few enough for clipping to pay: of some scales that clip the largest
 * weights, and the one that clips none, each column has the one with the least squared error.
 */
export function quantizeColumns7(weights: Float32Array, columns: number, sums: ErrorSums): QuantizedColumns {
  const scales = columnScales(weights, columns, LARGEST_CODE_7);
  return roundColumns(weights, clippedScales(weights, scales), LARGEST_CODE_7, sums);
}

function roundColumns(
  weights: Float32Array,
  scales: Float32Array<ArrayBuffer>,
  largestCode: number,
  sums: ErrorSums,
): QuantizedColumns {
  const columns = scales.length;
  const codes = new Int8Array(weights.length);
  let { squares, squaredErrors, largestError } = sums;
  for (let row = 0; row < weights.length; row += columns) {
    for (let column = 0; column < columns; column++) {
      const weight = weights[row + column] as number;
      const scale = scales[column] as number;
      const code = roundCode(weight / scale, largestCode);
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

/** To the nearest, ties to even. */
function roundCode(steps: number, largest: number): number {
  return Math.max(-largest, Math.min(largest, steps + ROUNDING - ROUNDING));
}

/** @returns for each column the best of its scale and some parts of it. */
function clippedScales(weights: Float32Array, scales: Float32Array): Float32Array<ArrayBuffer> {
  const columns = scales.length;
  const best = Float32Array.from(scales);
  const least = new Float64Array(columns).fill(Number.POSITIVE_INFINITY);
  for (let i = 0; i < CLIPPINGS; i++) {
    const tried = scales.map((scale) => Math.max(scale * (1 - i * CLIPPING_STEP), LEAST_SCALE));
    const errors = new Float64Array(columns);
    for (let at = 0; at < weights.length; at++) {
      const [weight, scale] = [weights[at] as number, tried[at % columns] as number];
      errors[at % columns] =
        (errors[at % columns] as number) + (weight - roundCode(weight / scale, LARGEST_CODE_7) * scale) ** 2;
    }
    for (let column = 0; column < columns; column++) {
      if ((errors[column] as number) >= (least[column] as number)) continue;
      least[column] = errors[column] as number;
      best[column] = tried[column] as number;
    }
  }
  return best;
}

function columnScales(
  weights: Float32Array,
  columns: number,
  largestCode = LARGEST_CODE,
): Float32Array<ArrayBuffer> {
  const scales = new Float32Array(columns);
  for (let row = 0; row < weights.length; row += columns) {
    for (let column = 0; column < columns; column++) {
      const magnitude = Math.abs(weights[row + column] as number);
      if (magnitude > (scales[column] as number)) scales[column] = magnitude;
    }
  }
  for (let column = 0; column < columns; column++) {
    const largest = scales[column] as number;
    scales[column] = largest === 0 ? 1 : Math.max(largest / largestCode, LEAST_SCALE);
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
