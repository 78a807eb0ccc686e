/** @module The interface of a logits processor. */
import type { State } from '../constraints/automaton/state.ts';

/** The tokens of one hypothesis, prompt first. */
export interface TokenSequence {
  /** At least `length` long; entries from `length` on have no meaning. */
  readonly tokens: Int32Array;
  readonly length: number;
  /** Of a constrained text: where its tokens have led. */
  readonly state?: State | undefined;
}

/**
 * Changes `scores [vocab_size]` in place: logits in greedy search and sampling, log-probabilities in beam
 * search. A banned token has the score -Infinity. Called once per step and row.
 */
export interface LogitsProcessor {
  /**
   * @param sequence the tokens before the one that the row scores
   * @param earlierTokens chosen in this step by earlier beam groups; only in diverse beam search
   */
  (scores: Float32Array, sequence: TokenSequence, earlierTokens?: readonly number[]): void;
  /** Called after all rows of a choice, if the search cannot end without one. */
  readonly together?: (rows: readonly ProcessedRow[]) => void;
}

export interface ProcessedRow {
  readonly scores: Float32Array;
  readonly sequence: TokenSequence;
  readonly earlierTokens?: readonly number[];
}

/**
 * Runs one processor after the other on the rows that are chosen from: those of all beams of a group, or one row.
 * @param mustGoOn whether the search cannot end without a token of these rows
 */
export function processRows(
  processors: readonly LogitsProcessor[],
  rows: readonly ProcessedRow[],
  mustGoOn = true,
): void {
  for (const process of processors) {
    for (const { scores, sequence, earlierTokens } of rows) process(scores, sequence, earlierTokens);
    if (mustGoOn) process.together?.(rows);
  }
}
