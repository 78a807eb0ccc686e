/**
 * @module Estimates the time of a forward pass from the model's size. A deployed Worker cannot measure it: its
 * clock stands still while it computes.
 */
import type { ModelConfig } from '../../model-assets/format/manifest.ts';

/**
 * Of one row, with the bounds checks of workerd and the choice of the next token, on a processor without the dot
 * product instruction. Others, and passes of many rows, are up to four times as fast: the estimate is long rather
 * than short.
 */
const MULTIPLICATIONS_PER_MILLISECOND = 5e6;
/** Of a block, besides its multiplications: the calls of its graphs, most of the time of the smallest models. */
const BLOCK_MILLISECONDS = 0.2;

interface SizedRow {
  readonly node: { readonly position: number };
  readonly readers: readonly unknown[];
  readonly gathers?: readonly unknown[];
}

export function passMilliseconds(
  { n_layer, n_embd, n_inner, vocab_size }: ModelConfig,
  rows: readonly SizedRow[],
): number {
  const blockWeights = n_embd * (4 * n_embd + 2 * n_inner);
  const multiplications = rows.reduce((sum, { node, readers, gathers = [] }) => {
    const attention = 2 * n_embd * (node.position + 1);
    return (
      sum +
      n_layer * (blockWeights + attention) +
      (readers.length + gathers.length > 0 ? n_embd * vocab_size : 0)
    );
  }, 0);
  return n_layer * BLOCK_MILLISECONDS + multiplications / MULTIPLICATIONS_PER_MILLISECOND;
}
