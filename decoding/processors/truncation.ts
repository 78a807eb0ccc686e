/**
 * @module Sampling from fewer tokens: what the processors for it have in common.
 *
 * They add up doubles where the reference adds up floats. So they may decide otherwise on a token whose cumulative
 * probability, or share of the cutoff, is within 1e-5 of where the reference decides; on no other.
 */
import { SelectionWorkspace } from '../math/selection.ts';

export interface Truncation {
  /** So many are kept whatever they are. */
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
