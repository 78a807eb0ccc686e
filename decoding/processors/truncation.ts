/**
 * @module Helpers of the processors that truncate the distribution.
 *
 * They sum doubles; the reference sums floats. So the two may differ on a token whose cumulative probability,
 * or ratio to the cutoff, is within 1e-5 of the threshold, and on no other.
 */
import { SelectionWorkspace } from '../math/selection.ts';

export interface Truncation {
  /** The minimum number of tokens to keep. */
  readonly minTokensToKeep?: number;
  /** Shared by processors that run one after the other. */
  readonly workspace?: SelectionWorkspace;
}

export function withDefaults({
  minTokensToKeep = 1,
  workspace = new SelectionWorkspace(),
}: Truncation): Required<Truncation> {
  return { minTokensToKeep, workspace };
}

export function removeBelow(scores: Float32Array, threshold: number): void {
  for (let i = 0; i < scores.length; i++) {
    if ((scores[i] as number) < threshold) scores[i] = Number.NEGATIVE_INFINITY;
  }
}

/** Removes everything but `indices`. */
export function keepOnly(scores: Float32Array, indices: readonly number[]): void {
  const kept = indices.map((i) => scores[i] as number);
  scores.fill(Number.NEGATIVE_INFINITY);
  indices.forEach((index, i) => {
    scores[index] = kept[i] as number;
  });
}
