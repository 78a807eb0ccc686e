import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyErrorSums, quantizationReport } from '../../../../model-assets/quantize/error-sums.ts';
import { quantizeColumns } from '../../../../model-assets/quantize/int8.ts';

const float = fc.float({ noNaN: true, noDefaultInfinity: true });
/** Typical weights, and the extremes of float32. */
const weight = fc.oneof(
  fc.float({ noNaN: true, min: -4, max: 4 }),
  fc.constantFrom(0, -0, 1e-45, -1e-40, 3e-38),
  float,
);
const matrix = fc
  .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }))
  .chain(([rows, columns]) =>
    fc.record({
      columns: fc.constant(columns),
      weights: fc
        .array(weight, { minLength: rows * columns, maxLength: rows * columns })
        .map((w) => Float32Array.from(w)),
    }),
  );

test('no error exceeds half a scale, and codes are in [-127, 127]', () => {
  fc.assert(
    fc.property(matrix, ({ weights, columns }) => {
      const { codes, scales } = quantizeColumns(weights, columns, emptyErrorSums());
      weights.forEach((w, i) => {
        const scale = scales[i % columns] as number;
        const code = codes[i] as number;
        expect(scale).toBeGreaterThan(0);
        expect(code).toBeGreaterThanOrEqual(-127);
        expect(Math.abs(w - code * scale)).toBeLessThanOrEqual(scale * (0.5 + 1e-5));
      });
    }),
  );
});

test('columns are quantized independently', () => {
  fc.assert(
    fc.property(matrix, ({ weights, columns }) => {
      const whole = quantizeColumns(weights, columns, emptyErrorSums());
      for (let column = 0; column < columns; column++) {
        const alone = quantizeColumns(
          weights.filter((_, i) => i % columns === column),
          1,
          emptyErrorSums(),
        );
        expect(alone.scales[0]).toBe(whole.scales[column]);
        expect(alone.codes).toEqual(whole.codes.filter((_, i) => i % columns === column));
      }
    }),
  );
});

test('the largest magnitude of a column is ±127, a column of zeros is zeros with scale 1', () => {
  const { codes, scales } = quantizeColumns(
    Float32Array.of(127, 0, -0.5, -254, 0, 0.25),
    3,
    emptyErrorSums(),
  );
  expect([...codes]).toEqual([64, 0, -127, -127, 0, 64]);
  expect([...scales]).toEqual([2, 1, Math.fround(0.5 / 127)]);
});

test('rounds ties to even', () => {
  const { codes } = quantizeColumns(
    Float32Array.of(127, 0.5, 1.5, 2.5, -0.5, -1.5, 2.51),
    1,
    emptyErrorSums(),
  );
  expect([...codes]).toEqual([127, 0, 2, 2, 0, -2, 3]);
});

test('reports the largest and the root-mean-square error relative to the root mean square', () => {
  const sums = emptyErrorSums();
  quantizeColumns(Float32Array.of(127, 0.5), 1, sums);
  quantizeColumns(Float32Array.of(127, 3.25), 1, sums);
  const squares = 127 ** 2 * 2 + 0.5 ** 2 + 3.25 ** 2;
  const report = quantizationReport('w', sums);
  expect(report.name).toBe('w');
  expect(report.max_error).toBeCloseTo(0.5 / Math.sqrt(squares / 4), 12);
  expect(report.relative_rms_error).toBeCloseTo(Math.sqrt((0.5 ** 2 + 0.25 ** 2) / squares), 12);
});

test('a tensor of zeros has no error', () => {
  const sums = emptyErrorSums();
  quantizeColumns(new Float32Array(4), 2, sums);
  expect(quantizationReport('w', sums)).toEqual({ name: 'w', max_error: 0, relative_rms_error: 0 });
});
