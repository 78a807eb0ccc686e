/** @module The interface of a logits processor. */
import type { State } from '../constraints/automaton/automaton.ts';

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
 * @param sequence the tokens before the one that the row scores
 * @param earlierTokens chosen in this step by earlier beam groups; only in diverse beam search
 */
export type LogitsProcessor = (
  scores: Float32Array,
  sequence: TokenSequence,
  earlierTokens?: readonly number[],
) => void;
