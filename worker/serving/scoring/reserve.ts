/** @module What scoring reserves before its first pass: one tree, and memory in JavaScript. */

import type { PathNodes } from '../../../decoding/scoring/path-order.ts';
import { BATCH_ROWS } from '../../../decoding/scoring/score-paths.ts';
import type { MemoryReservation } from '../../../engine/batching/memory-budget.ts';
import type { Engine, EngineTreeOptions } from '../../../engine/engine.ts';
import type { RunOptions } from '../generate.ts';
import { openReserved } from '../reservation.ts';
import type { ReservedTree } from '../reserved-tree.ts';
import type { ScoringBytes } from './memory.ts';

export interface ReservedScoring {
  readonly tree: ReservedTree;
  /** Memory until the answer is sent. */
  readonly answer: MemoryReservation;
  close(): void;
}

/** Nodes for full batches of rows, or what the cache has at most, if that suffices. */
export function nodesWithin({ status }: Engine, { least, most }: PathNodes): number {
  return Math.max(least, Math.min(most, least + BATCH_ROWS, status.slots.maximum));
}

/**
 * Waits for the tree and the memory.
 * @throws CapacityError for what never fits; QueueFullError and QueueTimeoutError for what does not fit now
 */
export async function reserveScoring(
  engine: Engine,
  nodes: number,
  bytes: ScoringBytes,
  tree: Pick<EngineTreeOptions, 'prompt' | 'shared' | 'adapter'>,
  { limits, signal, partition = '', onAdmitted }: RunOptions,
): Promise<ReservedScoring> {
  // What never fits is refused for its sum, not for one of the parts below.
  engine.check(nodes);
  engine.memory.check(bytes.answer + bytes.work);
  const { value, milliseconds } = await engine.admission.admit(
    () => open(engine, nodes, bytes, { ...tree, partition }),
    limits,
    signal,
  );
  onAdmitted?.(milliseconds);
  return value;
}

function open(
  engine: Engine,
  nodes: number,
  bytes: ScoringBytes,
  options: EngineTreeOptions,
): ReservedScoring {
  const answer = engine.memory.reserve(bytes.answer);
  try {
    const tree = openReserved(engine, nodes, options, bytes.work, [answer]);
    return {
      tree,
      answer,
      close() {
        tree.close();
        answer.close();
      },
    };
  } catch (error) {
    answer.close();
    throw error;
  }
}
