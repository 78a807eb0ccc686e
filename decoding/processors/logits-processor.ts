/** @module The interface of a logits processor. */

/** The tokens of one hypothesis, prompt first. */
export interface TokenSequence {
  /** At least `length` long; entries beyond `length` are undefined. */
  readonly tokens: Int32Array;
  readonly length: number;
}

/**
 * Changes `scores [vocab_size]` in place: logits in greedy search and sampling, log-probabilities in beam search.
 * A banned token has the score -Infinity. Called once a step for each row.
 * @param sequence that the row follows
 * @param earlierTokens chosen in this step by earlier groups of beams; none outside of diverse beam search
 */
export type LogitsProcessor = (
  scores: Float32Array,
  sequence: TokenSequence,
  earlierTokens?: readonly number[],
) => void;
