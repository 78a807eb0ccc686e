/**
 * @module Codes chosen one input after the other, each making up for the errors of those before it: GPTQ (Frantar et al.
 * 2022), in the form of Babai's nearest plane (Chen et al. 2025, "The Geometry of LLM Quantization").
 *
 * With the inputs' covariance `C = UᵀU`, U upper triangular, errors `d = w - q` of a column change its output by
 * `dᵀCd = |Ud|²`. Row k of `Ud` is `U[k,k] d[k] + Σ_{j>k} U[k,j] d[j]`: from the last input up, each has one term of its
 * own to make small, and aims at `w[k] + Σ_{j>k} U[k,j] d[j] / U[k,k]`. These are the codes of GPTQ without its inverse.
 */
import { GROUP, roundCode, ZERO_CODE } from './codes.ts';
import type { GroupScales } from './group-scales.ts';

/** Columns that go through the inputs together: as many as keep their errors in the processor's cache. */
const PANEL_COLUMNS = 64;

/**
 * @param weights `[rows, columns]`.
 * @param factor U `[rows, rows]`, of the inputs in the order of `order`; what is below the diagonal is not read.
 * @param order the rows, the last of which gets its codes first.
 * @param codes receives the codes `[rows, columns]`, 0 … 15.
 */
export function feedBackErrors(
  weights: Float32Array,
  { multipliers, scales }: GroupScales,
  factor: Float64Array,
  order: Uint32Array,
  codes: Uint8Array,
): void {
  const rows = order.length;
  const columns = scales.length;
  for (let first = 0; first < columns; first += PANEL_COLUMNS) {
    const width = Math.min(PANEL_COLUMNS, columns - first);
    const errors = new Float64Array(rows * width);
    const aim = new Float64Array(width);
    for (let k = rows - 1; k >= 0; k--) {
      collect(errors, width, factor.subarray(k * rows, (k + 1) * rows), k, aim);
      const row = order[k] as number;
      const at = row * columns + first;
      const group = Math.floor(row / GROUP) * columns + first;
      for (let i = 0; i < width; i++) {
        const weight = weights[at + i] as number;
        const step = (multipliers[group + i] as number) * (scales[first + i] as number);
        const code = step === 0 ? 0 : roundCode((weight + (aim[i] as number)) / step);
        codes[at + i] = code + ZERO_CODE;
        errors[k * width + i] = weight - code * step;
      }
    }
  }
}

/** `aim = Σ_{j>row} U[row, j] · errors[j] / U[row, row]` */
function collect(
  errors: Float64Array,
  width: number,
  factorRow: Float64Array,
  row: number,
  aim: Float64Array,
): void {
  aim.fill(0);
  const rows = factorRow.length;
  const diagonal = factorRow[row] as number;
  let j = row + 1;
  for (; j + 4 <= rows; j += 4) {
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
  for (; j < rows; j++) {
    const f = (factorRow[j] as number) / diagonal;
    for (let i = 0; i < width; i++) aim[i] = (aim[i] as number) + f * (errors[j * width + i] as number);
  }
}
