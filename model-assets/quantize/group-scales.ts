/**
 * @module The scales of a matrix's groups: what 32 codes of one column are multiplied with.
 *
 * A group's scale decides what its codes cost: too small and the largest weights are clipped, too large and the others
 * are rounded coarsely. A column's group scales are stored as integer multipliers of one float32.
 */
import { GROUP, LARGEST_CODE, roundCode } from '../format/int4.ts';

const LARGEST_MULTIPLIER = 255;
/** The least normal float32. Below it a scale would lose the precision that keeps codes in range. */
const LEAST_SCALE = 2 ** -126;
/** Clippings that are tried, as parts of what takes the largest weight to code 7. From -8 on, codes reach down to 7/8. */
const LEAST_CLIPPING = 0.6;
const CLIPPING_STEP = 0.025;
const CLIPPINGS = 23;

/** Multipliers that are tried on each side of the one nearest to the scale that suits a group best. */
const NEARBY = 8;

/**
 * @param weights `[rows, columns]`.
 * @param importance `[rows]`, padded to a multiple of {@link GROUP}: how much an error of a row's weights counts, 0 or more.
 * @returns the scale that suits each group best, `[groups, columns]`.
 */
export function wishedScales(
  weights: Float32Array,
  columns: number,
  importance: Float64Array,
): Float64Array<ArrayBuffer> {
  const wished = new Float64Array((importance.length / GROUP) * columns);
  for (const { index, group, counts } of eachGroup(weights, columns, importance)) {
    wished[index] = bestScale(group, counts);
  }
  return wished;
}

/**
 * @param wished `[groups, columns]`
 * @param scales `[columns]`
 * @returns for each group the multiplier, near its wish, whose nearest codes cause the least error; `[groups, columns]`.
 */
export function bestMultipliers(
  weights: Float32Array,
  columns: number,
  importance: Float64Array,
  wished: Float64Array,
  scales: Float32Array,
): Uint8Array<ArrayBuffer> {
  const multipliers = new Uint8Array(wished.length);
  for (const { index, group, counts } of eachGroup(weights, columns, importance)) {
    const scale = scales[index % columns] as number;
    const nearest = multiplierOf(wished[index] as number, scale);
    let least = Number.POSITIVE_INFINITY;
    const [from, to] = [Math.max(nearest - NEARBY, 1), Math.min(nearest + NEARBY, LARGEST_MULTIPLIER)];
    for (let tried = from; nearest > 0 && tried <= to; tried++) {
      const error = roundingError(group, counts, tried * scale);
      if (error < least) {
        least = error;
        multipliers[index] = tried;
      }
    }
  }
  return multipliers;
}

/** All groups, `index` of `[groups, columns]`; the last rows filled up with zeros. What is given is good for one turn. */
function* eachGroup(weights: Float32Array, columns: number, importance: Float64Array) {
  const group = new Float64Array(GROUP);
  for (let g = 0; g < importance.length / GROUP; g++) {
    const counts = importance.subarray(g * GROUP, (g + 1) * GROUP);
    for (let column = 0; column < columns; column++) {
      for (let i = 0; i < GROUP; i++) group[i] = weights[(g * GROUP + i) * columns + column] ?? 0;
      yield { index: g * columns + column, group, counts };
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
 * @param wished `[groups, columns]`
 * @param headroom the part of its largest wished scale that a column can go above it
 * @returns for each column the float32 that multipliers are of, 1 for a column of zeros
 */
export function columnScales(wished: Float64Array, columns: number, headroom = 0): Float32Array<ArrayBuffer> {
  const scales = new Float32Array(columns);
  for (let i = 0; i < wished.length; i++) {
    const scale = ((wished[i] as number) * (1 + headroom)) / LARGEST_MULTIPLIER;
    scales[i % columns] = Math.max(scales[i % columns] as number, scale);
  }
  return scales.map((scale) => (scale === 0 ? 1 : Math.max(scale, LEAST_SCALE)));
}

/** @returns the multiplier of `columnScale` that is nearest to `wished`, 0 for 0 only. */
export function multiplierOf(wished: number, columnScale: number): number {
  if (wished === 0) return 0;
  return Math.min(Math.max(Math.round(wished / columnScale), 1), LARGEST_MULTIPLIER);
}

/**
 * Chooses a group's scale by the error that rounding to it causes, `Σ importance[i] · (group[i] - code · scale)²`.
 *
 * @returns the best scale of those that are tried, 0 for a group of zeros.
 */
export function bestScale(group: Float64Array, importance: Float64Array): number {
  let largest = 0;
  for (const weight of group) largest = Math.max(largest, Math.abs(weight));
  if (largest === 0) return 0;
  let best = largest / LARGEST_CODE;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < CLIPPINGS; i++) {
    const tried = ((LEAST_CLIPPING + i * CLIPPING_STEP) * largest) / LARGEST_CODE;
    const { error, scale } = fitScale(group, importance, tried);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

/** Rounds to `tried`, and gives the codes the scale that fits them best (least squares), if they are not all zero. */
function fitScale(
  group: Float64Array,
  importance: Float64Array,
  tried: number,
): { error: number; scale: number } {
  let [squares, products, codeSquares] = [0, 0, 0];
  for (let i = 0; i < GROUP; i++) {
    const weight = group[i] as number;
    const counts = importance[i] as number;
    const code = roundCode(weight / tried);
    squares += counts * weight * weight;
    products += counts * code * weight;
    codeSquares += counts * code * code;
  }
  if (codeSquares === 0) return { error: squares, scale: tried };
  return { error: squares - (products * products) / codeSquares, scale: products / codeSquares };
}
