/**
 * @module GPTQ (Frantar et al. 2022) in the form of Babai's nearest plane (Chen et al. 2025, "The Geometry of
 * LLM Quantization"): codes are chosen input by input, each to compensate earlier errors.
 *
 * With the inputs' covariance `C = UᵀU`, U upper triangular, the errors `d = w - q` of a column add
 * `dᵀCd = |Ud|²` to the output's mean square error. Row k of `Ud` is `U[k,k] d[k] + Σ_{j>k} U[k,j] d[j]`.
 * Going from the last input to the first, code k minimizes row k: its target is
 * `w[k] + Σ_{j>k} U[k,j] d[j] / U[k,k]`. These are GPTQ's codes, without its matrix inverse.
 *
 * A group's scale is chosen right before its codes, to fit their targets.
 */
import { GROUP, ZERO_CODE } from '../format/packed.ts';
import { bestScale, nearestMultiplier } from './group-scales.ts';
import { roundCode } from './rounding.ts';

/** Columns processed together; the errors of this many fit the processor's cache. */
const PANEL_COLUMNS = 64;
const EQUAL_IMPORTANCE = new Float64Array(GROUP).fill(1);

export interface FeedbackLayer {
  /** `[rows, columns]`. */
  readonly weights: Float32Array;
  /** `[columns]`: the float32 scale of each column, which multipliers multiply. */
  readonly scales: Float32Array;
  /** A permutation of the rows that keeps groups together. Codes are chosen from its end to its beginning. */
  readonly order: Uint32Array;
  /** U `[rows, rows]`, of the inputs in this order; the part below the diagonal is not read. */
  readonly factor: Float64Array;
  /** Receives the codes `[rows, columns]`, 0 … 15. */
  readonly codes: Uint8Array;
  /** Receives the multipliers `[groups, columns]`. */
  readonly multipliers: Uint8Array;
}

/** Chooses all codes and multipliers of a layer. */
export function quantizeWithFeedback(layer: FeedbackLayer): void {
  const columns = layer.scales.length;
  for (let first = 0; first < columns; first += PANEL_COLUMNS) {
    const width = Math.min(PANEL_COLUMNS, columns - first);
    const panel = { first, width, errors: new Float64Array(layer.order.length * width) };
    for (let end = layer.order.length; end > 0; ) {
      const begin = groupStart(layer.order, end);
      quantizeGroup(layer, panel, begin, end);
      end = begin;
    }
  }
}

/** @returns the index in `order` of the first row of the group that ends at `end`. */
function groupStart(order: Uint32Array, end: number): number {
  const groupAt = (k: number) => Math.floor((order[k] as number) / GROUP);
  let begin = end - 1;
  while (begin > 0 && groupAt(begin - 1) === groupAt(end - 1)) begin--;
  return begin;
}

interface Panel {
  /** The first column. */
  readonly first: number;
  /** The number of columns. */
  readonly width: number;
  /** `[rows, width]`, rows in the order of {@link FeedbackLayer.order}. */
  readonly errors: Float64Array;
}

/** Chooses the multipliers and codes of one group in the columns of a panel. */
function quantizeGroup(
  layer: FeedbackLayer,
  { first, width, errors }: Panel,
  begin: number,
  end: number,
): void {
  const { weights, scales, order, factor, codes, multipliers } = layer;
  const [rows, columns] = [order.length, scales.length];
  const targets = new Float64Array((end - begin) * width);
  for (let k = begin; k < end; k++) {
    const target = targets.subarray((k - begin) * width, (k - begin + 1) * width);
    const offset = (order[k] as number) * columns + first;
    for (let i = 0; i < width; i++) target[i] = weights[offset + i] as number;
    compensate(errors, target, factor.subarray(k * rows, (k + 1) * rows), k, end, rows);
  }
  const steps = new Float64Array(width);
  const group = Math.floor((order[begin] as number) / GROUP) * columns + first;
  for (let i = 0; i < width; i++) {
    const column = Float64Array.from(EQUAL_IMPORTANCE, (_, k) => targets[k * width + i] ?? 0);
    const multiplier = nearestMultiplier(bestScale(column, EQUAL_IMPORTANCE), scales[first + i] as number);
    multipliers[group + i] = multiplier;
    steps[i] = multiplier * (scales[first + i] as number);
  }
  for (let k = end - 1; k >= begin; k--) {
    const target = targets.subarray((k - begin) * width, (k - begin + 1) * width);
    compensate(errors, target, factor.subarray(k * rows, (k + 1) * rows), k, k + 1, end);
    const offset = (order[k] as number) * columns + first;
    for (let i = 0; i < width; i++) {
      const step = steps[i] as number;
      const code = step === 0 ? 0 : roundCode((target[i] as number) / step);
      codes[offset + i] = code + ZERO_CODE;
      errors[k * width + i] = (weights[offset + i] as number) - code * step;
    }
  }
}

/** `target += Σ_{from ≤ j < to} U[k, j] · errors[j] / U[k, k]` */
function compensate(
  errors: Float64Array,
  target: Float64Array,
  factorRow: Float64Array,
  k: number,
  from: number,
  to: number,
): void {
  const width = target.length;
  const diagonal = factorRow[k] as number;
  let j = from;
  for (; j + 4 <= to; j += 4) {
    const f0 = (factorRow[j] as number) / diagonal;
    const f1 = (factorRow[j + 1] as number) / diagonal;
    const f2 = (factorRow[j + 2] as number) / diagonal;
    const f3 = (factorRow[j + 3] as number) / diagonal;
    const [e0, e1, e2, e3] = [j * width, (j + 1) * width, (j + 2) * width, (j + 3) * width];
    for (let i = 0; i < width; i++) {
      target[i] =
        (target[i] as number) +
        f0 * (errors[e0 + i] as number) +
        f1 * (errors[e1 + i] as number) +
        f2 * (errors[e2 + i] as number) +
        f3 * (errors[e3 + i] as number);
    }
  }
  for (; j < to; j++) {
    const f = (factorRow[j] as number) / diagonal;
    for (let i = 0; i < width; i++) target[i] = (target[i] as number) + f * (errors[j * width + i] as number);
  }
}
