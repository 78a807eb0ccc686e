/**
 * @module Four bits for the linear layers: `W[k, n] ≈ (code[k, n] - 8) · multiplier[⌊k/32⌋, n] · scale[n]`.
 *
 * With 16 levels it matters which of them a weight takes. Rounding to the nearest makes the weights' errors small; with
 * statistics of the layer's inputs, codes are chosen that make the errors of its outputs small, and the outputs' mean
 * error goes into the bias, where it costs nothing.
 */

import { GROUP, paddedRows, roundCode, ZERO_CODE } from '../format/int4.ts';
import { factorInPlace } from './cholesky.ts';
import { feedBackErrors } from './error-feedback.ts';
import { bestMultipliers, columnScales, wishedScales } from './group-scales.ts';
import type { ErrorSums } from './int8.ts';

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
 * @param inputs with a covariance, codes are chosen for the outputs; without it they are the nearest.
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
  const wished = wishedScales(weights, columns, importance);
  const scales = columnScales(wished, columns);
  const multipliers = bestMultipliers(weights, columns, importance, wished, scales);
  for (let i = 0; i < weights.length; i++) {
    const group = Math.floor(i / columns / GROUP) * columns;
    const step = (multipliers[group + (i % columns)] as number) * (scales[i % columns] as number);
    codes[i] = (step === 0 ? 0 : roundCode((weights[i] as number) / step)) + ZERO_CODE;
  }
  return { codes, multipliers, scales };
}

/** Groups aim higher than their weights now and then, by what they make up for. */
const HEADROOM = 0.1;

function quantizeForOutputs(
  weights: Float32Array,
  columns: number,
  codes: Uint8Array<ArrayBuffer>,
  covariance: Float64Array,
): QuantizedInt4 {
  const padded = codes.length / columns;
  const wished = wishedScales(weights, columns, new Float64Array(padded).fill(1));
  const scales = columnScales(wished, columns, HEADROOM);
  const multipliers = new Uint8Array(wished.length);
  const order = byVariance(covariance, weights.length / columns);
  feedBackErrors({ weights, scales, order, factor: factorOf(covariance, order), codes, multipliers });
  return { codes, multipliers, scales };
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
 * The order in which inputs get their codes: the groups that vary most first, and in a group the inputs that do, while all
 * others can still make up for them (GPTQ's `act_order`). {@link feedBackErrors} begins at the end.
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
