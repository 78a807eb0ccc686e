/** @module Writes the rows' paths to the heap for the attention kernels. */
import type { ModelConfig } from '../../model-assets/format/manifest.ts';
import type { PathNode } from '../cache/radix-tree.ts';
import { attentionScratchBytes } from '../kernels/attention.ts';
import type { Heap } from '../runtime/heap.ts';
import type { ScopedAllocations } from '../runtime/scoped-allocations.ts';
import type { Row } from './network.ts';

const WORD_BYTES = 4;

/**
 * @returns `paths`: the address of `[rows, 2]` u32, the address of each row's slot list and its length;
 *   `maxLength`: the longest of these
 */
export function writePaths(
  heap: Heap,
  rows: readonly Row[],
  scratch: ScopedAllocations,
): { paths: number; maxLength: number } {
  const paths = scratch.allocate(2 * WORD_BYTES * rows.length);
  let maxLength = 0;
  let list = 0;
  let parentOfNext: PathNode | null = null;
  // Backwards, so that a chain of rows shares one list: that of its last row.
  for (const [i, { node }] of rows.toReversed().entries()) {
    const length = node.position + 1;
    if (node !== parentOfNext) {
      list = writeSlots(heap, node, scratch);
      maxLength = Math.max(maxLength, length);
    }
    heap.words(paths + 2 * WORD_BYTES * (rows.length - 1 - i), 2).set([list, length]);
    parentOfNext = node.parent;
  }
  return { paths, maxLength };
}

/** Lists the slots from the root to `node`. */
function writeSlots(heap: Heap, node: PathNode, scratch: ScopedAllocations): number {
  const length = node.position + 1;
  const list = scratch.allocate(WORD_BYTES * length);
  const slots = heap.words(list, length);
  for (let ancestor: PathNode | null = node; ancestor; ancestor = ancestor.parent) {
    slots[ancestor.position] = ancestor.slot;
  }
  return list;
}

/** Upper limit for one pass of `rows` rows: paths, and the scratch of attention. */
export function pathBytes(rows: number, { n_positions, n_embd, n_head }: ModelConfig): number {
  return WORD_BYTES * rows * (2 + n_positions) + attentionScratchBytes(n_positions, n_embd / n_head);
}
