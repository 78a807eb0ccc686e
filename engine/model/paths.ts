/** @module The rows' paths as the attention kernels read them. */
import type { ModelConfig } from '../../model-assets/format/manifest.ts';
import type { PathNode } from '../cache/radix-tree.ts';
import { attentionScratchBytes } from '../kernels/attention.ts';
import type { Heap } from '../runtime/heap.ts';
import type { ScopedAllocations } from '../runtime/scoped-allocations.ts';
import type { Row } from './network.ts';

const WORD_BYTES = 4;

/** Addresses of `[rows, 2]` words, each row's list of slots and its length, and the longest of these. */
export function writePaths(
  heap: Heap,
  rows: readonly Row[],
  scratch: ScopedAllocations,
): { paths: number; longest: number } {
  const paths = scratch.bytes(2 * WORD_BYTES * rows.length);
  let longest = 0;
  let list = 0;
  let above: PathNode | null = null;
  // From the last row on: its list serves the rows above it too.
  for (const [k, { node }] of rows.toReversed().entries()) {
    const length = node.position + 1;
    if (node !== above) {
      list = writePath(heap, node, scratch);
      longest = Math.max(longest, length);
    }
    heap.words(paths + 2 * WORD_BYTES * (rows.length - 1 - k), 2).set([list, length]);
    above = node.parent;
  }
  return { paths, longest };
}

/** The slots from the first token to `node`. */
function writePath(heap: Heap, node: PathNode, scratch: ScopedAllocations): number {
  const length = node.position + 1;
  const list = scratch.bytes(WORD_BYTES * length);
  const slots = heap.words(list, length);
  for (let at: PathNode | null = node; at; at = at.parent) slots[at.position] = at.slot;
  return list;
}

/** The most that the paths of `rows` rows, and what attention needs beside them, take of the heap. */
export function pathBytes(rows: number, { n_positions, n_embd, n_head }: ModelConfig): number {
  return WORD_BYTES * rows * (2 + n_positions) + attentionScratchBytes(n_positions, n_embd / n_head);
}
