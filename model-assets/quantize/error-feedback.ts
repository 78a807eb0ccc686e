/**
 * @module Codes chosen one input after the other, each making up for the errors of those before it: GPTQ (Frantar et al.
 * 2022), in the form of Babai's nearest plane (Chen et al. 2025, "The Geometry of LLM Quantization").
 *
 * With the inputs' covariance `C = UᵀU`, U upper triangular, errors `d = w - q` of a column change its output by
 * `dᵀCd = |Ud|²`. Row k of `Ud` is `U[k,k] d[k] + Σ_{j>k} U[k,j] d[j]`: from the last input up, each has one term of its
 * own to make small, and aims at `w[k] + Σ_{j>k} U[k,j] d[j] / U[k,k]`. These are the codes of GPTQ without its inverse.
 *
 * A group's scale is chosen when its turn comes, for what it aims at then.
 */
import { GROUP, roundCode, ZERO_CODE } from '../format/int4.ts';
import { bestScale, multiplierOf } from './group-scales.ts';

/** Columns that go through the inputs together: as many as keep their errors in the processor's cache. */
const PANEL_COLUMNS = 64;
const ALIKE = new Float64Array(GROUP).fill(1);

/** A layer whose weights get their codes. */
export interface Feedback {
  /** `[rows, columns]`. */
  readonly weights: Float32Array;
  /** `[columns]`: what multipliers are of. */
  readonly scales: Float32Array;
  /** The rows, those of a group together. The last one gets its codes first. */
  readonly order: Uint32Array;
  /** U `[rows, rows]`, of the inputs in this order; what is below the diagonal is not read. */
  readonly factor: Float64Array;
  /** Receives the codes `[rows, columns]`, 0 … 15. */
  readonly codes: Uint8Array;
  /** Receives the multipliers `[groups, columns]`. */
  readonly multipliers: Uint8Array;
}

export function feedBackErrors(layer: Feedback): void {
  const columns = layer.scales.length;
  for (let first = 0; first < columns; first += PANEL_COLUMNS) {
    const width = Math.min(PANEL_COLUMNS, columns - first);
    const panel = { first, width, errors: new Float64Array(layer.order.length * width) };
    for (let end = layer.order.length; end > 0; ) {
      const begin = groupBegin(layer.order, end);
      quantizeGroup(layer, panel, begin, end);
      end = begin;
    }
  }
}

/** Where the group begins that ends at `end`. */
function groupBegin(order: Uint32Array, end: number): number {
  const groupAt = (k: number) => Math.floor((order[k] as number) / GROUP);
  let begin = end - 1;
  while (begin > 0 && groupAt(begin - 1) === groupAt(end - 1)) begin--;
  return begin;
}

interface Panel {
  /** Its first column, and how many it has. */
  readonly first: number;
  readonly width: number;
  /** `[rows, width]`, in the order of the codes. */
  readonly errors: Float64Array;
}

/** Chooses the scales and codes of one group, in the columns of a panel. */
function quantizeGroup(layer: Feedback, { first, width, errors }: Panel, begin: number, end: number): void {
  const { weights, scales, order, factor, codes, multipliers } = layer;
  const [rows, columns] = [order.length, scales.length];
  const aims = new Float64Array((end - begin) * width);
  for (let k = begin; k < end; k++) {
    const aim = aims.subarray((k - begin) * width, (k - begin + 1) * width);
    const at = (order[k] as number) * columns + first;
    for (let i = 0; i < width; i++) aim[i] = weights[at + i] as number;
    collect(errors, aim, factor.subarray(k * rows, (k + 1) * rows), k, end, rows);
  }
  const steps = new Float64Array(width);
  const group = Math.floor((order[begin] as number) / GROUP) * columns + first;
  for (let i = 0; i < width; i++) {
    const column = Float64Array.from(ALIKE, (_, k) => aims[k * width + i] ?? 0);
    const multiplier = multiplierOf(bestScale(column, ALIKE), scales[first + i] as number);
    multipliers[group + i] = multiplier;
    steps[i] = multiplier * (scales[first + i] as number);
  }
  for (let k = end - 1; k >= begin; k--) {
    const aim = aims.subarray((k - begin) * width, (k - begin + 1) * width);
    collect(errors, aim, factor.subarray(k * rows, (k + 1) * rows), k, k + 1, end);
    const at = (order[k] as number) * columns + first;
    for (let i = 0; i < width; i++) {
      const step = steps[i] as number;
      const code = step === 0 ? 0 : roundCode((aim[i] as number) / step);
      codes[at + i] = code + ZERO_CODE;
      errors[k * width + i] = (weights[at + i] as number) - code * step;
    }
  }
}

/** `aim += Σ_{from ≤ j < to} U[k, j] · errors[j] / U[k, k]` */
function collect(
  errors: Float64Array,
  aim: Float64Array,
  factorRow: Float64Array,
  k: number,
  from: number,
  to: number,
): void {
  const width = aim.length;
  const diagonal = factorRow[k] as number;
  let j = from;
  for (; j + 4 <= to; j += 4) {
    const f0 = (factorRow[j] as number) / diagonal;
    const f1 = (factorRow[j + 1] as number) / diagonal;
    const f2 = (factorRow[j + 2] as number) / diagonal;
    const f3 = (factorRow[j + 3] as number) / diagonal;
    const [e0, e1, e2, e3] = [j * width, (j + 1) * width, (j + 2) * width, (j + 3) * width];
    for (let i = 0; i < width; i++) {
      aim[i] =
        (aim[i] as number) +
        f0 * (errors[e0 + i] as number) +
        f1 * (errors[e1 + i] as number) +
        f2 * (errors[e2 + i] as number) +
        f3 * (errors[e3 + i] as number);
    }
  }
  for (; j < to; j++) {
    const f = (factorRow[j] as number) / diagonal;
    for (let i = 0; i < width; i++) aim[i] = (aim[i] as number) + f * (errors[j * width + i] as number);
  }
}
