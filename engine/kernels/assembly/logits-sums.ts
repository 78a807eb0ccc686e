/** Sums over the softmax of a row of logits, and a draw from it (AssemblyScript). */
import { countableSteps, exponentials, STEPS, stepsOf } from './exponential';
import { largest } from './logits-best';

const FLOAT_BYTES: usize = 4;
const VECTOR_BYTES: usize = 16;

export function sumExponentials(logits: usize, n: usize, divisor: f32, shift: f32, table: usize): f64 {
  return divisor == 1
    ? sum(logits, n, divisor, shift, table, 0, false, false)
    : sum(logits, n, divisor, shift, table, 0, true, false);
}

export function countExponentials(
  logits: usize,
  n: usize,
  divisor: f32,
  shift: f32,
  table: usize,
  counts: usize,
): f64 {
  memory.fill(counts, 0, STEPS * 4);
  return sum(logits, n, divisor, shift, table, counts, true, true);
}

/** One after the other: another order would give other bits. The processor overlaps the sum with the exponentials. */
// @ts-ignore: decorator
@inline
function sum(
  logits: usize,
  n: usize,
  divisor: f32,
  shift: f32,
  table: usize,
  counts: usize,
  divides: bool,
  isCounted: bool,
): f64 {
  const end = logits + n * FLOAT_BYTES;
  const vectorsEnd = logits + (n & ~3) * FLOAT_BYTES;
  const divisors = f32x4.splat(divisor);
  const shifts = f64x2.splat(<f64>shift);
  let total: f64 = 0;
  for (; logits < vectorsEnd; logits += VECTOR_BYTES) {
    const loaded = v128.load(logits);
    const scores = divides ? f32x4.div(loaded, divisors) : loaded;
    const low = f64x2.sub(f64x2.promote_low_f32x4(scores), shifts);
    const high = f64x2.sub(
      f64x2.promote_low_f32x4(v128.shuffle<f32>(scores, scores, 2, 3, 2, 3)),
      shifts,
    );
    const lowSteps = stepsOf(low, table);
    const highSteps = stepsOf(high, table);
    if (isCounted) {
      const lowCountable = countableSteps(low, lowSteps, table);
      const highCountable = countableSteps(high, highSteps, table);
      count(i32x4.extract_lane(lowCountable, 0), counts);
      count(i32x4.extract_lane(lowCountable, 2), counts);
      count(i32x4.extract_lane(highCountable, 0), counts);
      count(i32x4.extract_lane(highCountable, 2), counts);
    }
    const first = exponentials(low, lowSteps, table);
    const second = exponentials(high, highSteps, table);
    total += f64x2.extract_lane(first, 0);
    total += f64x2.extract_lane(first, 1);
    total += f64x2.extract_lane(second, 0);
    total += f64x2.extract_lane(second, 1);
  }
  for (; logits < end; logits += FLOAT_BYTES) {
    const x = f64x2.splat(<f64>(load<f32>(logits) / divisor) - <f64>shift);
    const steps = stepsOf(x, table);
    if (isCounted) count(i32x4.extract_lane(countableSteps(x, steps, table), 0), counts);
    total += f64x2.extract_lane(exponentials(x, steps, table), 0);
  }
  return total;
}

/** Adds n logits to the normalizer of a row: what it has is scaled to the largest of both. */
export function addToNormalizer(logits: usize, n: usize, normalizer: usize, table: usize): void {
  const before = load<f64>(normalizer);
  const found = largest(logits, n);
  const shift = max(before, <f64>found);
  const x = f64x2.splat(before - shift);
  const scale = f64x2.extract_lane(exponentials(x, stepsOf(x, table), table), 0);
  const added = sum(logits, n, 1, <f32>shift, table, 0, false, false);
  store<f64>(normalizer, shift);
  store<f64>(normalizer, load<f64>(normalizer, 8) * scale + added, 8);
}

/** The sum of the same terms, each rounded to f32. */
export function sumWeights(logits: usize, n: usize, divisor: f32, shift: f32, table: usize): f64 {
  const end = logits + n * FLOAT_BYTES;
  let total: f64 = 0;
  for (; logits + VECTOR_BYTES <= end; logits += VECTOR_BYTES) {
    const weights = weightsOf(v128.load(logits), divisor, shift, table);
    total += <f64>f32x4.extract_lane(weights, 0);
    total += <f64>f32x4.extract_lane(weights, 1);
    total += <f64>f32x4.extract_lane(weights, 2);
    total += <f64>f32x4.extract_lane(weights, 3);
  }
  for (; logits < end; logits += FLOAT_BYTES) total += <f64>weightOf(load<f32>(logits), divisor, shift, table);
  return total;
}

export function weightOf(logit: f32, divisor: f32, shift: f32, table: usize): f32 {
  return f32x4.extract_lane(weightsOf(f32x4.splat(logit), divisor, shift, table), 0);
}

export function draw(logits: usize, n: usize, divisor: f32, shift: f32, table: usize, remaining: f64): i32 {
  let i: usize = 0;
  for (; i + 4 <= n; i += 4) {
    const weights = weightsOf(v128.load(logits + i * FLOAT_BYTES), divisor, shift, table);
    let less = remaining - <f64>f32x4.extract_lane(weights, 0);
    less -= <f64>f32x4.extract_lane(weights, 1);
    less -= <f64>f32x4.extract_lane(weights, 2);
    less -= <f64>f32x4.extract_lane(weights, 3);
    if (less < 0) break;
    remaining = less;
  }
  for (; i < n; i++) {
    remaining -= <f64>weightOf(load<f32>(logits + i * FLOAT_BYTES), divisor, shift, table);
    if (remaining < 0) return <i32>i;
  }
  // By rounding, some may remain at the end.
  do i--;
  while (i > 0 && weightOf(load<f32>(logits + i * FLOAT_BYTES), divisor, shift, table) == 0);
  return <i32>i;
}

/** Four terms in f32. */
// @ts-ignore: decorator
@inline
function weightsOf(logits: v128, divisor: f32, shift: f32, table: usize): v128 {
  const scores = f32x4.div(logits, f32x4.splat(divisor));
  const shifts = f64x2.splat(<f64>shift);
  const low = f64x2.sub(f64x2.promote_low_f32x4(scores), shifts);
  const high = f64x2.sub(f64x2.promote_low_f32x4(v128.shuffle<f32>(scores, scores, 2, 3, 2, 3)), shifts);
  const first = f32x4.demote_f64x2_zero(exponentials(low, stepsOf(low, table), table));
  const second = f32x4.demote_f64x2_zero(exponentials(high, stepsOf(high, table), table));
  return v128.shuffle<f32>(first, second, 0, 1, 4, 5);
}

// @ts-ignore: decorator
@inline
function count(step: i32, counts: usize): void {
  const bucket = <u32>-step;
  if (bucket >= STEPS) return;
  const address = counts + (bucket << 2);
  store<u32>(address, load<u32>(address) + 1);
}
