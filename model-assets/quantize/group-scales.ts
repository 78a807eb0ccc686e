/**
 * @module Group scales: 32 codes of one column share a scale.
 *
 * A scale that is too small clips the largest weights; one that is too large rounds the others coarsely. A
 * column's group scales are stored as integer multipliers of one float32, the column scale.
 */
import { GROUP, MAX_CODE, MAX_MULTIPLIER } from '../format/packed.ts';
import { roundCode } from './rounding.ts';

/** The smallest normal float32. A subnormal scale would lose the precision that keeps codes in range. */
const MIN_SCALE = 2 ** -126;
/**
 * The grid of scales to try, as fractions of the scale that maps the largest magnitude to code 7. A fraction
 * of 7/8 maps it to code -8.
 */
const MIN_CLIPPING = 0.6;
const CLIPPING_STEP = 0.025;
const CLIPPINGS = 23;

/** Multipliers to try on each side of the one nearest to a group's ideal scale. */
const MULTIPLIER_RADIUS = 8;

/**
 * @param weights `[rows, columns]`.
 * @param importance `[rows]`, padded to a multiple of {@link GROUP}: the weight, 0 or more, of a row's
 *   squared errors.
 * @returns the scale of each group that minimizes its error, `[groups, columns]`. It is not yet a multiple of
 *   a column scale.
 */
export function idealScales(
  weights: Float32Array,
  columns: number,
  importance: Float64Array,
): Float64Array<ArrayBuffer> {
  const ideal = new Float64Array((importance.length / GROUP) * columns);
  for (const { index, group, groupImportance } of eachGroup(weights, columns, importance)) {
    ideal[index] = bestScale(group, groupImportance);
  }
  return ideal;
}

/**
 * @param ideal `[groups, columns]`
 * @param scales `[columns]`
 * @returns `[groups, columns]`: the multiplier near each group's ideal scale that has the smallest rounding
 *   error.
 */
export function bestMultipliers(
  weights: Float32Array,
  columns: number,
  importance: Float64Array,
  ideal: Float64Array,
  scales: Float32Array,
): Uint8Array<ArrayBuffer> {
  const multipliers = new Uint8Array(ideal.length);
  for (const { index, group, groupImportance } of eachGroup(weights, columns, importance)) {
    const scale = scales[index % columns] as number;
    const nearest = nearestMultiplier(ideal[index] as number, scale);
    let leastError = Number.POSITIVE_INFINITY;
    const [from, to] = [
      Math.max(nearest - MULTIPLIER_RADIUS, 1),
      Math.min(nearest + MULTIPLIER_RADIUS, MAX_MULTIPLIER),
    ];
    for (let candidate = from; nearest > 0 && candidate <= to; candidate++) {
      const error = roundingError(group, groupImportance, candidate * scale);
      if (error < leastError) {
        leastError = error;
        multipliers[index] = candidate;
      }
    }
  }
  return multipliers;
}

/**
 * Iterates over all groups; `index` is into `[groups, columns]`. The last group is padded with zeros. The
 * arrays are reused: they are valid for one iteration.
 */
function* eachGroup(weights: Float32Array, columns: number, importance: Float64Array) {
  const group = new Float64Array(GROUP);
  for (let g = 0; g < importance.length / GROUP; g++) {
    const groupImportance = importance.subarray(g * GROUP, (g + 1) * GROUP);
    for (let column = 0; column < columns; column++) {
      for (let i = 0; i < GROUP; i++) group[i] = weights[(g * GROUP + i) * columns + column] ?? 0;
      yield { index: g * columns + column, group, groupImportance };
    }
  }
}

/** `Σ importance[i] · (group[i] - code · step)²` */
function roundingError(group: Float64Array, importance: Float64Array, step: number): number {
  let error = 0;
  for (let i = 0; i < GROUP; i++) {
    const weight = group[i] as number;
    error += (importance[i] as number) * (weight - roundCode(weight / step) * step) ** 2;
  }
  return error;
}

/**
 * @param ideal `[groups, columns]`
 * @param headroom a column's scales can exceed its largest ideal scale by this fraction of it
 * @returns the float32 scale of each column, 1 for a column of zeros
 */
export function columnScales(ideal: Float64Array, columns: number, headroom = 0): Float32Array<ArrayBuffer> {
  const scales = new Float32Array(columns);
  for (let i = 0; i < ideal.length; i++) {
    const scale = ((ideal[i] as number) * (1 + headroom)) / MAX_MULTIPLIER;
    scales[i % columns] = Math.max(scales[i % columns] as number, scale);
  }
  return scales.map((scale) => (scale === 0 ? 1 : Math.max(scale, MIN_SCALE)));
}

/** @returns the multiplier of `columnScale` nearest to the scale `ideal`; 0 only if `ideal` is 0. */
export function nearestMultiplier(ideal: number, columnScale: number): number {
  if (ideal === 0) return 0;
  return Math.min(Math.max(Math.round(ideal / columnScale), 1), MAX_MULTIPLIER);
}

/**
 * Searches for the scale that minimizes the rounding error of a group,
 * `Σ importance[i] · (group[i] - code · scale)²`.
 *
 * @returns the best candidate, 0 for a group of zeros.
 */
export function bestScale(group: Float64Array, importance: Float64Array): number {
  let largest = 0;
  for (const weight of group) largest = Math.max(largest, Math.abs(weight));
  if (largest === 0) return 0;
  let best = largest / MAX_CODE;
  let leastError = Number.POSITIVE_INFINITY;
  for (let i = 0; i < CLIPPINGS; i++) {
    const candidate = ((MIN_CLIPPING + i * CLIPPING_STEP) * largest) / MAX_CODE;
    const { error, scale } = fitScale(group, importance, candidate);
    if (error < leastError) {
      leastError = error;
      best = scale;
    }
  }
  return best;
}

/** Chooses codes by the scale `candidate`, then the scale that fits these codes best: least squares. */
function fitScale(
  group: Float64Array,
  importance: Float64Array,
  candidate: number,
): { error: number; scale: number } {
  let [squares, products, codeSquares] = [0, 0, 0];
  for (let i = 0; i < GROUP; i++) {
    const weight = group[i] as number;
    const factor = importance[i] as number;
    const code = roundCode(weight / candidate);
    squares += factor * weight * weight;
    products += factor * code * weight;
    codeSquares += factor * code * code;
  }
  if (codeSquares === 0) return { error: squares, scale: candidate };
  return { error: squares - (products * products) / codeSquares, scale: products / codeSquares };
}
