/**
 * @module Estimates the time of a forward pass from the model's size. A deployed Worker cannot measure it: its
 * clock stands still while it computes.
 */
import type { ModelConfig } from '../../model-assets/format/manifest.ts';

/** Of one row, with the bounds checks of workerd and the choice of the next token, without and with the dot product instruction. */
const MULTIPLICATIONS_PER_MILLISECOND = { pairs: 5e6, dot: 12e6 };
/** A pass of so many rows and more multiplies four times as fast as one of a single row; one of fewer, in proportion. */
const FAST_ROWS = 13;
const FAST_FACTOR = 4;
/** Of a block, besides its multiplications: the calls of its graphs, most of the time of the smallest models. */
const BLOCK_MILLISECONDS = 0.1;

interface SizedRow {
  readonly node: { readonly position: number };
  readonly readers: readonly unknown[];
  readonly gathers?: readonly unknown[];
}

/** @param hasDot whether the kernels have the processor's instruction for dot products */
export function passMilliseconds(
  { n_layer, n_embd, n_inner, vocab_size }: ModelConfig,
  rows: readonly SizedRow[],
  hasDot = false,
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
  const rate = MULTIPLICATIONS_PER_MILLISECOND[hasDot ? 'dot' : 'pairs'];
  const faster = 1 + (FAST_FACTOR - 1) * Math.min(1, (rows.length - 1) / (FAST_ROWS - 1));
  return n_layer * BLOCK_MILLISECONDS + multiplications / (rate * faster);
}
