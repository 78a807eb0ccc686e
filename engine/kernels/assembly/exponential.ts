/**
 * e^x for x ≤ 0 in doubles, two at a time (AssemblyScript). The arithmetic is that of `exponential` in
 * `decoding/math/elementary.ts`, operation by operation, so the bits are equal.
 *
 * x = k · ln 2 / 32 + r, e^x = 2^(k/32) · e^r. The table has 2^(i/32) for one octave, i = k mod 32; adding (k - i) / 32
 * to the exponent field scales by a power of two, exactly.
 */

const STEPS_PER_OCTAVE = 32;
/** Below 2^-150 a float32 is 0. */
const OCTAVES = 150;
const LN_2: f64 = 0.6931471805599453;
const MIN_EXPONENT: f64 = -150.0 * LN_2;
const STEPS_PER_UNIT: f64 = 32.0 / LN_2;
const STEP_WIDTH: f64 = LN_2 / 32.0;
/** Adding and then subtracting it rounds a small number to an integer, which its low bits hold in between. */
const ROUNDING_SHIFT: f64 = 6755399441055744;

/** An octave is one in the exponent field, which begins at bit 52. */
const STEP_SHIFT = 47;

const POWERS_BYTES: usize = 256;
const VECTOR_BYTES: usize = 16;

/** Number of values of k, from 0 down. */
export const STEPS: u32 = OCTAVES * STEPS_PER_OCTAVE + 1;

/**
 * Writes the table, and after it the constants. They are loaded into registers: V8 materializes a constant vector at
 * every use.
 *
 * @param table 400 bytes
 */
export function fillExponentialTable(table: usize): void {
  for (let i = 0; i < STEPS_PER_OCTAVE; i++) {
    let power: f64 = 1;
    let root: f64 = 1.4142135623730951;
    for (let bit = STEPS_PER_OCTAVE / 2; bit >= 1; bit /= 2) {
      if (i & bit) power *= root;
      root = Math.sqrt(root);
    }
    // Without i steps in the exponent field, which `exponentials` adds for the octave's sake.
    store<i64>(table + <usize>i * 8, reinterpret<i64>(power) - (<i64>i << STEP_SHIFT));
  }
  const constants = table + POWERS_BYTES;
  v128.store(constants, f64x2.splat(STEPS_PER_UNIT));
  v128.store(constants + VECTOR_BYTES, f64x2.splat(ROUNDING_SHIFT));
  v128.store(constants + 2 * VECTOR_BYTES, f64x2.splat(STEP_WIDTH));
  v128.store(constants + 3 * VECTOR_BYTES, f64x2.splat(MIN_EXPONENT));
  v128.store(constants + 4 * VECTOR_BYTES, f64x2.splat(1));
  v128.store(constants + 5 * VECTOR_BYTES, f64x2.splat(0.5));
  v128.store(constants + 6 * VECTOR_BYTES, f64x2.splat(1.0 / 6.0));
  v128.store(constants + 7 * VECTOR_BYTES, f64x2.splat(1.0 / 24.0));
  v128.store(constants + 8 * VECTOR_BYTES, i64x2.splat(1));
}

// @ts-ignore: decorator
@inline
function constant(table: usize, index: usize): v128 {
  return v128.load(table + POWERS_BYTES + index * VECTOR_BYTES);
}

/** The integers k of two x, each in the low 32 bits of its lane; any number if x is NaN or very negative. */
// @ts-ignore: decorator
@inline
export function stepsOf(x: v128, table: usize): v128 {
  return f64x2.add(f64x2.mul(x, constant(table, 0)), constant(table, 1));
}

/** The same, but 1 where e^x is 0. */
// @ts-ignore: decorator
@inline
export function countableSteps(x: v128, steps: v128, table: usize): v128 {
  return v128.bitselect(constant(table, 8), steps, f64x2.le(x, constant(table, 3)));
}

/**
 * e^x of two x ≤ 0; 0 where a float32 underflows to 0, NaN for NaN.
 * @param steps of the same x, by {@link stepsOf}
 */
// @ts-ignore: decorator
@inline
export function exponentials(x: v128, steps: v128, table: usize): v128 {
  const r = f64x2.sub(x, f64x2.mul(f64x2.sub(steps, constant(table, 1)), constant(table, 2)));
  const squared = f64x2.mul(r, r);
  const quadratic = f64x2.add(
    f64x2.add(constant(table, 5), f64x2.mul(r, constant(table, 6))),
    f64x2.mul(squared, constant(table, 7)),
  );
  const series = f64x2.add(f64x2.add(constant(table, 4), r), f64x2.mul(squared, quadratic));
  // Masked, so that the address is in the table whatever the bits of an x without a step.
  const first = table + ((i32x4.extract_lane(steps, 0) & (STEPS_PER_OCTAVE - 1)) << 3);
  const second = table + ((i32x4.extract_lane(steps, 2) & (STEPS_PER_OCTAVE - 1)) << 3);
  const powers = v128.load64_lane(second, v128.load64_zero(first), 1);
  const result = f64x2.mul(series, i64x2.add(powers, i64x2.shl(steps, STEP_SHIFT)));
  return v128.andnot(result, f64x2.le(x, constant(table, 3)));
}
