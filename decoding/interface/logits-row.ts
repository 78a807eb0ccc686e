/** @module One row of logits where a model has computed it, with what a search asks of it. */

/** `total` is Σ exp(score - largest); it is NaN if the row has no softmax. */
export interface Normalizer {
  readonly largest: number;
  readonly total: number;
}

/** Tokens in ascending order, and their logits. */
export interface TokenLogits {
  readonly tokens: Uint32Array;
  readonly logits: Float32Array;
}

/**
 * A row that the model lends. The row, its values and all results are valid only while a reader runs, views of tokens
 * until the next question.
 */
export interface LogitsRow {
  /** `[vocab_size]`, not to be changed. */
  readonly values: Float32Array;

  /**
   * Of the scores logit / `divisor`, rounded to float32. The exponentials are those of `math/elementary.ts`, summed
   * in the order of the tokens, so that the bits are those of `math/softmax.ts`.
   */
  normalizer(divisor: number): Normalizer;

  /**
   * The same, with a logit such that the tokens of at least that logit have at least `share` of the softmax of the
   * scores. There may be more of them than needed.
   */
  nucleus(divisor: number, share: number): Normalizer & { readonly least: number };

  /**
   * Draws a token from the softmax of the scores, by walking through the weights exp(score - largest), rounded to
   * float32, up to the share `at` of their sum.
   * @returns also its weight by the sum, NaN if the row has no softmax
   */
  draw(divisor: number, at: number): { readonly token: number; readonly probability: number };

  /** The first token with this logit. */
  indexOf(logit: number): number;

  /**
   * The k-th largest logit, duplicates counted. It is NaN if the row has a NaN, and no finite number if there are not
   * as many, or more than the model compares.
   */
  kthLargest(k: number): number;

  /** The tokens of at least this logit; undefined if there are more than the model lists. */
  atLeast(logit: number): TokenLogits | undefined;
}

/** May run twice, if a pass fails and is run again. If it throws, so does the `evaluate` that it was given to. */
export type LogitsReader = (row: LogitsRow) => void;

/** The logits of some tokens of a row, in their order, and the normalizer of the scores that are all logits. */
export interface GatheredLogits extends Normalizer {
  /** The receiver's own. */
  readonly logits: Float32Array;
}

/**
 * Asks for the logits of some tokens and the normalizer of the whole row, so that a model need not write the others. The
 * exponentials are summed block by block: the total may differ from that of {@link LogitsRow} in its last bits. It depends
 * on the row alone.
 */
export interface Gather {
  /** Ascending. */
  readonly tokens: ArrayLike<number>;
  /** As a {@link LogitsReader} it may run twice. */
  readonly read: (gathered: GatheredLogits) => void;
}
