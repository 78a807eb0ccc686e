/**
 * LayerNorm of four rows and more (AssemblyScript), with the bits of onnxruntime's LayerNormalization.
 *
 * onnxruntime finds a row's mean and variance by Welford's recurrence (1962), in f32:
 *
 *     delta = x[i] - mean;  mean += delta / (i + 1);  m2 += delta · (x[i] - mean)
 *
 * Each step waits for the division of the one before, so a row alone cannot be faster. Four rows in the lanes of a vector
 * take as long as one, and two vectors wait at the same time.
 */

const FLOAT_BYTES: usize = 4;
const LANES: i32 = 4;

/**
 * `sum = hidden + added`, and `normal = (sum - mean) / sqrt(variance + epsilon) · weight + bias`, each `[rows, n]` f32.
 * @param rows at least 4
 * @param sum must not overlap other arguments
 */
export function residualNorm(
  hidden: usize,
  added: usize,
  rows: i32,
  n: usize,
  weight: usize,
  bias: usize,
  epsilon: f32,
  sum: usize,
  normal: usize,
): void {
  const values = <usize>rows * n;
  let i: usize = 0;
  for (; i + LANES <= values; i += LANES) {
    const at = i * FLOAT_BYTES;
    v128.store(sum + at, f32x4.add(v128.load(hidden + at), v128.load(added + at)));
  }
  for (; i < values; i++) {
    const at = i * FLOAT_BYTES;
    store<f32>(sum + at, load<f32>(hidden + at) + load<f32>(added + at));
  }
  norm(sum, rows, n, weight, bias, epsilon, normal);
}

/** The same without the residual. @param x `[rows, n]` f32 */
export function norm(
  x: usize,
  rows: i32,
  n: usize,
  weight: usize,
  bias: usize,
  epsilon: f32,
  normal: usize,
): void {
  const stride = n * FLOAT_BYTES;
  const size = f32x4.splat(<f32>n);
  const one = f32x4.splat(1);
  for (let row = 0; row < rows; row += 2 * LANES) {
    // The last four rows are in two vectors where their number is no multiple of eight.
    const a = x + <usize>min(row, rows - LANES) * stride;
    const b = x + <usize>min(row + LANES, rows - LANES) * stride;
    let count = f32x4.splat(0);
    let meanA = count;
    let meanB = count;
    let m2A = count;
    let m2B = count;
    for (let i: usize = 0; i < stride; i += FLOAT_BYTES) {
      count = f32x4.add(count, one);
      const xA = loadColumn(a + i, stride);
      const xB = loadColumn(b + i, stride);
      const deltaA = f32x4.sub(xA, meanA);
      const deltaB = f32x4.sub(xB, meanB);
      meanA = f32x4.add(meanA, f32x4.div(deltaA, count));
      meanB = f32x4.add(meanB, f32x4.div(deltaB, count));
      m2A = f32x4.add(m2A, f32x4.mul(deltaA, f32x4.sub(xA, meanA)));
      m2B = f32x4.add(m2B, f32x4.mul(deltaB, f32x4.sub(xB, meanB)));
    }
    const epsilons = f32x4.splat(epsilon);
    const deviationA = f32x4.sqrt(f32x4.add(f32x4.div(m2A, size), epsilons));
    const deviationB = f32x4.sqrt(f32x4.add(f32x4.div(m2B, size), epsilons));
    normalizeRows(a, meanA, deviationA, n, weight, bias, normal + (a - x));
    normalizeRows(b, meanB, deviationB, n, weight, bias, normal + (b - x));
  }
}

/** One value of each of four rows. */
// @ts-ignore: decorator
@inline
function loadColumn(x: usize, stride: usize): v128 {
  let column = v128.load32_zero(x);
  column = v128.load32_lane(x + stride, column, 1);
  column = v128.load32_lane(x + 2 * stride, column, 2);
  return v128.load32_lane(x + 3 * stride, column, 3);
}

// @ts-ignore: decorator
@inline
function normalizeRows(
  x: usize,
  mean: v128,
  deviation: v128,
  n: usize,
  weight: usize,
  bias: usize,
  normal: usize,
): void {
  const stride = n * FLOAT_BYTES;
  normalizeRow(x, f32x4.extract_lane(mean, 0), f32x4.extract_lane(deviation, 0), n, weight, bias, normal);
  x += stride;
  normal += stride;
  normalizeRow(x, f32x4.extract_lane(mean, 1), f32x4.extract_lane(deviation, 1), n, weight, bias, normal);
  x += stride;
  normal += stride;
  normalizeRow(x, f32x4.extract_lane(mean, 2), f32x4.extract_lane(deviation, 2), n, weight, bias, normal);
  x += stride;
  normal += stride;
  normalizeRow(x, f32x4.extract_lane(mean, 3), f32x4.extract_lane(deviation, 3), n, weight, bias, normal);
}

function normalizeRow(
  x: usize,
  mean: f32,
  deviation: f32,
  n: usize,
  weight: usize,
  bias: usize,
  normal: usize,
): void {
  const means = f32x4.splat(mean);
  const deviations = f32x4.splat(deviation);
  let i: usize = 0;
  for (; i + LANES <= n; i += LANES) {
    const at = i * FLOAT_BYTES;
    const centred = f32x4.sub(v128.load(x + at), means);
    const scaled = f32x4.mul(f32x4.div(centred, deviations), v128.load(weight + at));
    v128.store(normal + at, f32x4.add(scaled, v128.load(bias + at)));
  }
  for (; i < n; i++) {
    const at = i * FLOAT_BYTES;
    const scaled = ((load<f32>(x + at) - mean) / deviation) * load<f32>(weight + at);
    store<f32>(normal + at, scaled + load<f32>(bias + at));
  }
}
