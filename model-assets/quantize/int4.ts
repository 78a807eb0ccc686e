/**
 * @module Quantizes linear layers to 4 bits: `W[k, n] ≈ (code[k, n] - 8) · multiplier[⌊k/32⌋, n] · scale[n]`.
 *
 * Rounding to nearest minimizes the error of the weights. With the covariance of the layer's inputs, GPTQ
 * chooses codes that minimize the error of the outputs. The outputs' mean error is then moved into the bias,
 * at no cost at run time.
 */

import { GROUP, paddedRows, ZERO_CODE } from '../format/packed.ts';
import { factorInPlace } from './cholesky.ts';
import { quantizeWithFeedback } from './error-feedback.ts';
import type { ErrorSums } from './error-sums.ts';
import { bestMultipliers, columnScales, idealScales } from './group-scales.ts';
import { roundCode } from './rounding.ts';

/** Statistics of a layer's inputs. */
export interface InputStatistics {
  /** `[rows]`. */
  readonly mean: Float64Array;
  /** `[rows]`. */
  readonly variance: Float64Array;
  /** `[rows, rows]`, upper triangle: `E[x xᵀ] - E[x] E[x]ᵀ`. Needs a calibration text. */
  readonly covariance?: Float64Array;
}

/** A matrix `[rows, columns]`, its rows padded with zeros to a multiple of 32. */
export interface QuantizedInt4 {
  /** `[padded rows, columns]`, 0 … 15; 8 is zero. */
  readonly codes: Uint8Array<ArrayBuffer>;
  /** `[padded rows / 32, columns]`, 0 for a group of zeros. */
  readonly multipliers: Uint8Array<ArrayBuffer>;
  /** `[columns]`, above 0. */
  readonly scales: Float32Array<ArrayBuffer>;
}

/**
 * GPTQ's `percdamp`: this fraction of the covariance's mean diagonal is added to its diagonal. It keeps the
 * matrix positive definite if the text never varies an input, and the codes from fitting noise.
 */
const DAMPING = 0.01;

/**
 * Quantizes the weight of a linear layer. Deterministic.
 *
 * @param weights `[rows, columns]`, finite; a row is an input, a column an output.
 * @param sums the weights' errors are added to these.
 * @param inputs with a covariance, codes are chosen by GPTQ; without, by rounding to nearest.
 */
export function quantizeInt4(
  weights: Float32Array,
  columns: number,
  sums: ErrorSums,
  inputs?: InputStatistics,
): QuantizedInt4 {
  const rows = weights.length / columns;
  const codes = new Uint8Array(paddedRows(rows) * columns).fill(ZERO_CODE);
  const quantized = inputs?.covariance
    ? quantizeForOutputs(weights, columns, codes, inputs.covariance)
    : quantizeToNearest(weights, columns, codes, inputs?.variance);
  addErrors(weights, dequantizeInt4(quantized, rows), sums);
  return quantized;
}

function quantizeToNearest(
  weights: Float32Array,
  columns: number,
  codes: Uint8Array<ArrayBuffer>,
  variance?: Float64Array,
): QuantizedInt4 {
  const importance = new Float64Array(codes.length / columns).fill(variance ? 0 : 1);
  if (variance) importance.set(variance);
  const ideal = idealScales(weights, columns, importance);
  const scales = columnScales(ideal, columns);
  const multipliers = bestMultipliers(weights, columns, importance, ideal, scales);
  for (let i = 0; i < weights.length; i++) {
    const group = Math.floor(i / columns / GROUP) * columns;
    const step = (multipliers[group + (i % columns)] as number) * (scales[i % columns] as number);
    codes[i] = (step === 0 ? 0 : roundCode((weights[i] as number) / step)) + ZERO_CODE;
  }
  return { codes, multipliers, scales };
}

/** Targets of GPTQ include errors to compensate, so they can exceed the weights. */
const HEADROOM = 0.1;

function quantizeForOutputs(
  weights: Float32Array,
  columns: number,
  codes: Uint8Array<ArrayBuffer>,
  covariance: Float64Array,
): QuantizedInt4 {
  const padded = codes.length / columns;
  const ideal = idealScales(weights, columns, new Float64Array(padded).fill(1));
  const scales = columnScales(ideal, columns, HEADROOM);
  const multipliers = new Uint8Array(ideal.length);
  const order = byVariance(covariance, weights.length / columns);
  quantizeWithFeedback({ weights, scales, order, factor: factorOf(covariance, order), codes, multipliers });
  return { codes, multipliers, scales };
}

/** @returns the weights `[rows, columns]` that the codes represent. */
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
 * Corrects the bias for the outputs' mean error.
 *
 * @param weights `[rows, columns]`.
 * @param dequantized the same weights after quantization.
 * @param mean of the inputs, `[rows]`.
 * @returns `bias[n] + Σ_k mean[k] · (weights[k, n] - dequantized[k, n])`, `[columns]`.
 */
export function correctedBias(
  bias: Float32Array,
  weights: Float32Array,
  dequantized: Float32Array,
  mean: Float64Array,
): Float32Array<ArrayBuffer> {
  const columns = bias.length;
  const corrected = Float64Array.from(bias);
  for (let i = 0; i < weights.length; i++) {
    const error = (weights[i] as number) - (dequantized[i] as number);
    corrected[i % columns] =
      (corrected[i % columns] as number) + (mean[Math.floor(i / columns)] as number) * error;
  }
  return Float32Array.from(corrected);
}

/**
 * GPTQ's `act_order`: the groups of the largest mean variance get their codes first, and in a group the
 * inputs of the largest variance, while the most others can still compensate their errors.
 *
 * @returns the rows by ascending variance: {@link quantizeWithFeedback} starts at the end.
 */
function byVariance(covariance: Float64Array, rows: number): Uint32Array {
  const variance = (k: number) => covariance[k * rows + k] as number;
  const groupMeans = Float64Array.from({ length: Math.ceil(rows / GROUP) }, (_, g) => {
    const size = Math.min(GROUP, rows - g * GROUP);
    let sum = 0;
    for (let k = g * GROUP; k < g * GROUP + size; k++) sum += variance(k);
    return sum / size;
  });
  const groupOf = (k: number) => Math.floor(k / GROUP);
  const mean = (k: number) => groupMeans[groupOf(k)] as number;
  return Uint32Array.from({ length: rows }, (_, k) => k).sort(
    (a, b) => mean(a) - mean(b) || groupOf(a) - groupOf(b) || variance(a) - variance(b) || a - b,
  );
}

/** @returns the Cholesky factor U of the damped covariance, its inputs in this order. */
function factorOf(covariance: Float64Array, order: Uint32Array): Float64Array {
  const rows = order.length;
  const factor = new Float64Array(rows * rows);
  let trace = 0;
  for (let k = 0; k < rows; k++) trace += covariance[k * rows + k] as number;
  // Without any variance, every factor gives the same codes.
  const damping = (DAMPING * trace) / rows || 1;
  for (let i = 0; i < rows; i++) {
    for (let j = i; j < rows; j++) {
      const [a, b] = [order[i] as number, order[j] as number];
      factor[i * rows + j] = covariance[Math.min(a, b) * rows + Math.max(a, b)] as number;
    }
    factor[i * rows + i] = (factor[i * rows + i] as number) + damping;
  }
  if (!factorInPlace(factor, rows))
    throw new RangeError('The covariance matrix is not positive semidefinite');
  return factor;
}

function addErrors(weights: Float32Array, dequantized: Float32Array, sums: ErrorSums): void {
  sums.weights += weights.length;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] as number;
    const error = Math.abs(weight - (dequantized[i] as number));
    sums.squares += weight * weight;
    sums.squaredErrors += error * error;
    sums.largestError = Math.max(sums.largestError, error);
  }
}
