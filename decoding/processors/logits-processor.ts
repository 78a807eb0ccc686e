/** @module What changes a row of scores before a token is chosen from it. */

/** The tokens of one hypothesis, prompt first. */
export interface TokenSequence {
  /** At least `length` long; what lies beyond it means nothing. */
  readonly tokens: Int32Array;
  readonly length: number;
}

/**
 * Changes `scores [vocab_size]` in place: logits in greedy search and sampling, log-probabilities in beam search.
 * A banned token has the score -Infinity. Called once a step for each row, with the sequence that the row follows.
 */
export type LogitsProcessor = (scores: Float32Array, sequence: TokenSequence) => void;
