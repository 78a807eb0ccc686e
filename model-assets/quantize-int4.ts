/**
 * @module Four bits for the linear layers: `W[k, n] ≈ (code[k, n] - 8) · multiplier[⌊k/32⌋, n] · scale[n]`.
 *
 * With 16 levels it matters which of them a weight takes. Rounding to the nearest makes the weights' errors small; with
 * statistics of the layer's inputs, codes are chosen that make the errors of its outputs small, and the outputs' mean
 * error goes into the bias, where it costs nothing.
 */
import { factorInPlace } from './int4/cholesky.ts';
import { GROUP, paddedRows, roundCode, ZERO_CODE } from './int4/codes.ts';
import { feedBackErrors } from './int4/error-feedback.ts';
import { chooseScales, type GroupScales } from './int4/group-scales.ts';
import type { ErrorSums } from './quantize.ts';

/** What is known of a layer's inputs. */
export interface InputStatistics {
  /** `[rows]`. */
  readonly mean: Float64Array;
  /** `[rows]`. */
  readonly variance: Float64Array;
  /** `[rows, rows]`, its upper triangle: `E[x xᵀ] - E[x] E[x]ᵀ`. Only a text can tell. */
  readonly covariance?: Float64Array;
}

/** A matrix `[rows, columns]`, its rows padded to a multiple of 32 with zeros. */
export interface QuantizedInt4 {
  /** `[padded rows, columns]`, 0 … 15; 8 is zero. */
  readonly codes: Uint8Array<ArrayBuffer>;
  /** `[padded rows / 32, columns]`, 0 for a group of zeros. */
  readonly multipliers: Uint8Array<ArrayBuffer>;
  /** `[columns]`, above 0. */
  readonly scales: Float32Array<ArrayBuffer>;
}

/**
 * Added to the covariance's diagonal, as a part of its mean: keeps it positive definite where the text has said nothing
 * about an input, and the codes from fitting chance. GPTQ's `percdamp`.
 */
const DAMPING = 0.01;

/**
 * Quantizes the weight of a linear layer. The same arguments give the same codes.
 *
 * @param weights `[rows, columns]`, finite; a row is an input, a column an output.
 * @param sums to which the weights' errors are added.
 * @param inputs without a covariance, codes are the nearest; without a variance, all inputs count the same.
 */
export function quantizeInt4(
  weights: Float32Array,
  columns: number,
  sums: ErrorSums,
  inputs?: InputStatistics,
): QuantizedInt4 {
  const rows = weights.length / columns;
  const importance = new Float64Array(paddedRows(rows));
  importance.set(inputs?.variance ?? new Float64Array(rows).fill(1));
  const groupScales = chooseScales(weights, columns, importance);
  const codes = new Uint8Array(paddedRows(rows) * columns).fill(ZERO_CODE);
  if (inputs?.covariance) {
    const order = byVariance(inputs.variance);
    const factor = factorOf(inputs.covariance, order);
    feedBackErrors(weights, groupScales, factor, order, codes);
  } else {
    roundToNearest(weights, groupScales, codes);
  }
  const quantized = { codes, ...groupScales };
  addErrors(weights, dequantizeInt4(quantized, rows), sums);
  return quantized;
}

/** @returns the weights that the codes stand for, `[rows, columns]`. */
export function dequantizeInt4(
  { codes, multipliers, scales }: QuantizedInt4,
  rows: number,
): Float32Array<ArrayBuffer> {
  const columns = scales.length;
  const weights = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const group = Math.floor(row / GROUP) * columns;
    for (let column = 0; column < columns; column++) {
      const steps = (codes[row * columns + column] as number) - ZERO_CODE;
      weights[row * columns + column] =
        steps * (multipliers[group + column] as number) * (scales[column] as number);
    }
  }
  return weights;
}

/**
 * @param stored what is stored for `weights`, both `[rows, columns]`.
 * @param mean of the inputs `[rows]`.
 * @returns the bias `[columns]` with which the outputs stay right on average: the layer's own, and
 *   `Σ_k mean[k] · (weights[k, n] - stored[k, n])`.
 */
export function correctedBias(
  bias: Float32Array,
  weights: Float32Array,
  stored: Float32Array,
  mean: Float64Array,
): Float32Array<ArrayBuffer> {
  const columns = bias.length;
  const corrected = Float64Array.from(bias);
  for (let i = 0; i < weights.length; i++) {
    const error = (weights[i] as number) - (stored[i] as number);
    corrected[i % columns] =
      (corrected[i % columns] as number) + (mean[Math.floor(i / columns)] as number) * error;
  }
  return Float32Array.from(corrected);
}

/**
 * The order in which inputs get their codes: those that vary most first, while all others can still make up for them
 * (GPTQ's `act_order`). {@link feedBackErrors} begins at the end.
 */
const byVariance = (variance: Float64Array): Uint32Array =>
  Uint32Array.from(variance.keys()).sort(
    (a, b) => (variance[a] as number) - (variance[b] as number) || a - b,
  );

/** @returns U with `UᵀU` the covariance of the inputs in this order, its diagonal damped. */
function factorOf(covariance: Float64Array, order: Uint32Array): Float64Array {
  const rows = order.length;
  const factor = new Float64Array(rows * rows);
  let trace = 0;
  for (let k = 0; k < rows; k++) trace += covariance[k * rows + k] as number;
  // Inputs that never vary leave nothing to choose by, and all factors are as good.
  const added = (DAMPING * trace) / rows || 1;
  for (let i = 0; i < rows; i++) {
    for (let j = i; j < rows; j++) {
      const [a, b] = [order[i] as number, order[j] as number];
      factor[i * rows + j] = covariance[Math.min(a, b) * rows + Math.max(a, b)] as number;
    }
    factor[i * rows + i] = (factor[i * rows + i] as number) + added;
  }
  if (!factorInPlace(factor, rows))
    throw new RangeError('The covariance is not one: it is not positive definite');
  return factor;
}

function roundToNearest(
  weights: Float32Array,
  { multipliers, scales }: GroupScales,
  codes: Uint8Array,
): void {
  const columns = scales.length;
  for (let i = 0; i < weights.length; i++) {
    const group = Math.floor(i / columns / GROUP) * columns;
    const step = (multipliers[group + (i % columns)] as number) * (scales[i % columns] as number);
    codes[i] = (step === 0 ? 0 : roundCode((weights[i] as number) / step)) + ZERO_CODE;
  }
}

function addErrors(weights: Float32Array, stored: Float32Array, sums: ErrorSums): void {
  sums.weights += weights.length;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] as number;
    const error = Math.abs(weight - (stored[i] as number));
    sums.squares += weight * weight;
    sums.squaredErrors += error * error;
    sums.largestError = Math.max(sums.largestError, error);
  }
}
