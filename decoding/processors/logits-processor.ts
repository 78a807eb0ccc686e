/** @module The interface of a logits processor. */
import type { State } from '../constraints/automaton/state.ts';
import type { Random } from '../math/random.ts';

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
   */
  (scores: Float32Array, sequence: TokenSequence, row?: RowContext): void;
  /** Called after all rows of a choice, if the search cannot end without one. */
  readonly together?: (rows: readonly ProcessedRow[]) => void;
}

/** What a processor may use beside the row's own scores and tokens. */
export interface RowContext {
  /** Chosen in this step by earlier beam groups; only in diverse beam search. */
  readonly earlierTokens?: readonly number[];
  /** Of the row's branch, or of the search with its beams in order; only where tokens are sampled. */
  readonly random?: Random;
  /** `[vocab_size]` The logits after the negative prompt and the same generated tokens; only with guidance. */
  readonly unconditional?: Float32Array | undefined;
}

export interface ProcessedRow extends RowContext {
  readonly scores: Float32Array;
  readonly sequence: TokenSequence;
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
    for (const row of rows) process(row.scores, row.sequence, row);
    if (mustGoOn) process.together?.(rows);
  }
}
