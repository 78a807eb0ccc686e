/** @module The range of float32, in which scores are kept, and its numbers in order. */

/** The largest finite float32. */
export const LARGEST_FLOAT = 2 ** 127 * (2 - 2 ** -23);

/** The nearest finite float32: a number beyond the range becomes its end. NaN stays NaN. */
export function finiteFloat(x: number): number {
  return Math.fround(Math.max(-LARGEST_FLOAT, Math.min(LARGEST_FLOAT, x)));
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** Numbers the float32 in ascending order; both zeros are 0. */
function ordinal(x: number): number {
  float[0] = x;
  const [word = 0] = bits;
  return word >= 0 ? word : -(word & 0x7fffffff);
}

function fromOrdinal(index: number): number {
  bits[0] = index >= 0 ? index : -index | 0x80000000;
  return float[0] as number;
}

/**
 * The smallest finite float32 from which on, up to the finite float32 `x`, all numbers have a property.
 * @param has true for `x`; false below the first number that does not have the property
 */
export function leastFloatWith(x: number, has: (x: number) => boolean): number {
  let high = ordinal(x);
  // Usually few numbers have it: the steps double until one does not.
  let [low, step] = [high - 1, 1];
  const end = ordinal(-LARGEST_FLOAT);
  while (low >= end && has(fromOrdinal(low))) [high, low, step] = [low, low - 2 * step, 2 * step];
  low = Math.max(low, end - 1);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (has(fromOrdinal(middle))) high = middle;
    else low = middle;
  }
  return fromOrdinal(high);
}
