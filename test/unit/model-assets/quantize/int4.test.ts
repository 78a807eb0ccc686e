/** @module 4-bit quantization: invariants of every matrix, and the benefit of input statistics. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factorInPlace } from '../../../../model-assets/quantize/cholesky.ts';
import { quantizeWithFeedback } from '../../../../model-assets/quantize/error-feedback.ts';
import { emptyErrorSums, quantizationReport } from '../../../../model-assets/quantize/error-sums.ts';
import {
  correctedBias,
  dequantizeInt4,
  type InputStatistics,
  quantizeInt4,
} from '../../../../model-assets/quantize/int4.ts';
import { createRandom, fillNormal } from '../../../../model-assets/synthesize/normal.ts';

const normal = (count: number, seed: number, deviation = 1) => {
  const values = new Float32Array(count);
  fillNormal(values, createRandom(seed, 'int4'), deviation);
  return values;
};

/** Statistics of rows `[count, width]`, in double precision. */
function statisticsOf(x: Float32Array, width: number): Required<InputStatistics> {
  const count = x.length / width;
  const valueAt = (row: number, k: number) => x[row * width + k] as number;
  const rows = Array.from({ length: count }, (_, row) => row);
  const mean = Float64Array.from(
    { length: width },
    (_, k) => rows.reduce((sum, r) => sum + valueAt(r, k), 0) / count,
  );
  const covariance = new Float64Array(width * width);
  for (let a = 0; a < width; a++) {
    for (let b = 0; b < width; b++) {
      const sum = rows.reduce(
        (s, r) => s + (valueAt(r, a) - (mean[a] ?? 0)) * (valueAt(r, b) - (mean[b] ?? 0)),
        0,
      );
      covariance[a * width + b] = sum / count;
    }
  }
  return { mean, variance: mean.map((_, k) => covariance[k * width + k] as number), covariance };
}

/** Mixtures of a few latent variables, correlated like a model's activations: `[count, width]`. */
function correlatedInputs(count: number, width: number, sources = 6): Float32Array {
  const [mix, latents, noise] = [
    normal(sources * width, 5),
    normal(count * sources, 6),
    normal(count * width, 7, 0.2),
  ];
  return noise.map((own, i) => {
    const [row, k] = [Math.floor(i / width), i % width];
    let sum = own + 0.5;
    for (let s = 0; s < sources; s++) sum += (latents[row * sources + s] ?? 0) * (mix[s * width + k] ?? 0);
    return sum;
  });
}

/** Mean square error of the outputs `x · weights + bias`. */
function outputError(
  x: Float32Array,
  errors: Float32Array,
  columns: number,
  bias = new Float32Array(columns),
) {
  const width = errors.length / columns;
  let sum = 0;
  for (let row = 0; row < x.length; row += width) {
    for (let n = 0; n < columns; n++) {
      let y = bias[n] as number;
      for (let k = 0; k < width; k++) y += (x[row + k] as number) * (errors[k * columns + n] as number);
      sum += y * y;
    }
  }
  return sum / (x.length / width) / columns;
}

const weight = fc.oneof(
  fc.float({ noNaN: true, min: -4, max: 4 }),
  fc.constantFrom(0, -0, 1e-45, -1e-40, 3e-38, -1e38, 3e38),
);
const matrix = fc
  .tuple(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 5 }))
  .chain(([rows, columns]) =>
    fc.record({
      rows: fc.constant(rows),
      columns: fc.constant(columns),
      weights: fc
        .array(weight, { minLength: rows * columns, maxLength: rows * columns })
        .map((w) => Float32Array.from(w)),
    }),
  );

describe('quantizeInt4', () => {
  it('respects the ranges, pads with zeros, and has no error beyond that of clipping', () => {
    fc.assert(
      fc.property(matrix, ({ weights, rows, columns }) => {
        const { codes, multipliers, scales } = quantizeInt4(weights, columns, emptyErrorSums());
        const groups = Math.ceil(rows / 32);
        expect([codes.length, multipliers.length, scales.length]).toEqual([
          groups * 32 * columns,
          groups * columns,
          columns,
        ]);
        expect(codes.every((code) => code <= 15)).toBe(true);
        expect(codes.subarray(rows * columns).every((code) => code === 8)).toBe(true);
        expect(scales.every((scale) => scale > 0 && Number.isFinite(scale))).toBe(true);
        const stored = dequantizeInt4({ codes, multipliers, scales }, rows);
        for (let i = 0; i < weights.length; i++) {
          const [row, column] = [Math.floor(i / columns), i % columns];
          const begin = row - (row % 32);
          const group = weights.filter(
            (_, j) => j % columns === column && j >= begin * columns && j < (begin + 32) * columns,
          );
          const largest = group.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
          const scale = scales[column] as number;
          // Half of the largest weight for clipping, and one multiplier for rounding it to an integer.
          expect(Math.abs((weights[i] ?? 0) - (stored[i] ?? 0))).toBeLessThanOrEqual(
            0.5 * largest + 8 * scale,
          );
        }
      }),
    );
  });

  it('is exact for a matrix that 4 bits can represent', () => {
    const [rows, columns] = [96, 6];
    const random = createRandom(3, 'representable');
    const multipliers = Array.from({ length: 3 * columns }, () => 128 + (random() % 128));
    // Each column has a group with the largest multiplier, each group the smallest and the largest code.
    for (let column = 0; column < columns; column++) multipliers[column] = 255;
    const weights = Float32Array.from({ length: rows * columns }, (_, i) => {
      const [row, column] = [Math.floor(i / columns), i % columns];
      const code = row % 32 === 0 ? -8 : row % 32 === 1 ? 7 : (random() % 16) - 8;
      return code * (multipliers[Math.floor(row / 32) * columns + column] ?? 0) * 2 ** -(10 + column);
    });
    const sums = emptyErrorSums();
    const quantized = quantizeInt4(weights, columns, sums);
    expect(dequantizeInt4(quantized, rows)).toEqual(weights);
    expect([...quantized.multipliers]).toEqual(multipliers);
    expect(quantizationReport('w', sums)).toMatchObject({ max_error: 0, relative_rms_error: 0 });
  });

  it('keeps columns of zeros', () => {
    const weights = Float32Array.from({ length: 40 * 2 }, (_, i) => (i % 2 === 0 ? 0 : i / 10));
    const x = correlatedInputs(100, 40);
    for (const inputs of [undefined, statisticsOf(x, 40)]) {
      const quantized = quantizeInt4(weights, 2, emptyErrorSums(), inputs);
      expect(quantized.codes.every((code, i) => i % 2 === 1 || code === 8)).toBe(true);
      expect([...quantized.multipliers].filter((_, i) => i % 2 === 0)).toEqual([0, 0]);
      expect(quantized.scales[0]).toBe(1);
    }
  });

  it('reports the errors of the dequantized weights', () => {
    const weights = normal(64 * 8, 1);
    const sums = emptyErrorSums();
    const stored = dequantizeInt4(quantizeInt4(weights, 8, sums), 64);
    const errors = weights.map((w, i) => w - (stored[i] ?? 0));
    const squares = (values: Float32Array) => values.reduce((sum, v) => sum + v * v, 0);
    expect(sums.weights).toBe(512);
    expect(sums.squaredErrors / squares(errors)).toBeCloseTo(1, 5);
    expect(sums.largestError).toBeCloseTo(Math.max(...errors.map(Math.abs)), 6);
    // Normal weights in groups of 32.
    expect(quantizationReport('w', sums).relative_rms_error).toBeLessThan(0.1);
  });

  it('is deterministic', () => {
    const weights = normal(70 * 80, 2);
    const inputs = statisticsOf(correlatedInputs(200, 70), 70);
    const [a, b] = [
      quantizeInt4(weights, 80, emptyErrorSums(), inputs),
      quantizeInt4(weights, 80, emptyErrorSums(), inputs),
    ];
    expect(a).toEqual(b);
  });
});

describe('input statistics', () => {
  const [rows, columns] = [70, 40];
  const weights = normal(rows * columns, 1);
  const inputs = statisticsOf(correlatedInputs(1000, rows), rows);
  const fresh = correlatedInputs(1300, rows).subarray(1000 * rows);
  const errorsOf = (statistics?: InputStatistics) => {
    const stored = dequantizeInt4(quantizeInt4(weights, columns, emptyErrorSums(), statistics), rows);
    return { stored, errors: weights.map((w, i) => w - (stored[i] ?? 0)) };
  };

  it('more than halve the output error for correlated inputs, on held-out inputs', () => {
    const nearest = outputError(fresh, errorsOf().errors, columns);
    const fedBack = outputError(fresh, errorsOf(inputs).errors, columns);
    expect(fedBack).toBeLessThan(nearest / 2);
  });

  it('give the same error as rounding to nearest for uncorrelated inputs', () => {
    const covariance = new Float64Array(rows * rows);
    for (let k = 0; k < rows; k++) covariance[k * rows + k] = 1;
    const uncorrelated = {
      mean: new Float64Array(rows),
      variance: new Float64Array(rows).fill(1),
      covariance,
    };
    const squares = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
    expect(squares(errorsOf(uncorrelated).errors) / squares(errorsOf().errors)).toBeCloseTo(1, 2);
  });

  it('correct the bias for the mean error', () => {
    const { stored, errors } = errorsOf(inputs);
    const bias = normal(columns, 4);
    const corrected = correctedBias(bias, weights, stored, inputs.mean);
    const change = bias.map((b, i) => b - (corrected[i] ?? 0));
    expect(outputError(fresh, errors, columns, change)).toBeLessThan(outputError(fresh, errors, columns));
    for (let n = 0; n < columns; n++) {
      let sum = 0;
      for (let i = n; i < errors.length; i += columns)
        sum += (inputs.mean[Math.floor(i / columns)] ?? 0) * (errors[i] ?? 0);
      expect(sum + (change[n] ?? 0)).toBeCloseTo(0, 5);
    }
  });

  it('may have zero variance', () => {
    const constant = {
      mean: new Float64Array(rows),
      variance: new Float64Array(rows),
      covariance: new Float64Array(rows * rows),
    };
    const { errors } = errorsOf(constant);
    expect(errors.every(Number.isFinite)).toBe(true);
  });
});

describe('quantizeWithFeedback', () => {
  it('equals a calculation by hand', () => {
    // Covariance [[1, 1], [1, 4]] = UᵀU with U = [[1, 1], [0, √3]]. 2.3 → 2 has error 0.3, so the target of
    // 0.4 is 0.4 + 0.3 · 1/1 → 1. Two more inputs, uncorrelated, have weights 7 and -8: the group's scale
    // is 1.
    const feedBack = (order: number[], factor: number[]) => {
      const layer = {
        weights: Float32Array.of(0.4, 2.3, 7, -8),
        scales: Float32Array.of(1),
        order: Uint32Array.from(order),
        factor: Float64Array.from(factor),
        codes: new Uint8Array(4),
        multipliers: new Uint8Array(1),
      };
      quantizeWithFeedback(layer);
      expect([...layer.multipliers]).toEqual([1]);
      return [...layer.codes];
    };
    const r = Math.sqrt(3);
    expect(feedBack([0, 1, 2, 3], [1, 1, 0, 0, 0, r, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])).toEqual([9, 10, 15, 0]);
    // In reverse order, U = [[2, ½], [0, √3/2]]: 0.4 → 0 has error 0.4, so the target of 2.3 is
    // 2.3 + 0.4 · ½ / 2 → 2.
    expect(feedBack([1, 0, 2, 3], [2, 0.5, 0, 0, 0, r / 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])).toEqual([
      8, 10, 15, 0,
    ]);
  });
});

describe('factorInPlace', () => {
  it('equals a factorization by hand', () => {
    // UᵀU with U = [[2, 1, 3], [0, 1, -1], [0, 0, 4]]
    const a = Float64Array.of(4, 2, 6, Number.NaN, 2, 2, Number.NaN, Number.NaN, 26);
    expect(factorInPlace(a, 3)).toBe(true);
    expect([a[0], a[1], a[2], a[4], a[5], a[8]]).toEqual([2, 1, 3, 1, -1, 4]);
  });

  it.each([1, 7, 8, 9, 16, 37])('satisfies UᵀU = A for size %i', (size) => {
    const { covariance } = statisticsOf(normal(4 * size * size, 9), size);
    const factor = covariance.slice();
    expect(factorInPlace(factor, size)).toBe(true);
    for (let i = 0; i < size; i++) {
      for (let j = i; j < size; j++) {
        let sum = 0;
        for (let k = 0; k <= i; k++) sum += (factor[k * size + i] ?? 0) * (factor[k * size + j] ?? 0);
        expect(sum).toBeCloseTo(covariance[i * size + j] ?? 0, 10);
      }
    }
  });

  it('returns false for a matrix that is not positive definite', () => {
    expect(factorInPlace(Float64Array.of(1, 2, 2, 1), 2)).toBe(false);
  });
});
