/** @module Quantization errors of a tensor, summed over the calls that quantize its parts. */

export interface ErrorSums {
  /** Number of weights. */
  weights: number;
  squares: number;
  squaredErrors: number;
  largestError: number;
}

export const emptyErrorSums = (): ErrorSums => ({
  weights: 0,
  squares: 0,
  squaredErrors: 0,
  largestError: 0,
});

/** @returns the entry of the manifest: errors relative to the tensor's root mean square. */
export function quantizationReport(name: string, sums: ErrorSums) {
  const { weights, squares, squaredErrors, largestError } = sums;
  return {
    name,
    max_error: squares === 0 ? 0 : largestError / Math.sqrt(squares / weights),
    relative_rms_error: squares === 0 ? 0 : Math.sqrt(squaredErrors / squares),
  };
}
