/** Reads weights into the CPU cache before they are multiplied. */

const CACHE_LINE_BYTES: usize = 64;

let readsAhead = false;

/** Whether the products read their weights in bursts from now on: `engine/model/read-ahead.ts` chooses. */
export function setReadAhead(on: bool): void {
  readsAhead = on;
}

/** Where the first burst begins: at the end, where no reads remain, if products do not read ahead. */
// @ts-ignore: decorator
@inline
export function firstBurst(weights: usize, end: usize): usize {
  return readsAhead ? weights : end;
}

/**
 * Reads the next burst of `weights`, at most `bytes`: enough for many reads in flight at the same time, and few beside
 * the L1 cache. A multiplication spends so many instructions on each cache line that the
 * processor's window reaches only a few lines ahead, and each line waits for memory in its turn. In a loop
 * that does nothing else, as many reads wait together as the processor has buffers for.
 *
 * @param end of the weights
 * @param scratch 4 bytes, which depend on every read, so that the compiler removes none
 * @returns the end of the burst
 */
export function readAhead(weights: usize, end: usize, bytes: usize, scratch: usize): usize {
  const until = min(weights + bytes, end);
  let mixed = 0;
  for (; weights < until; weights += CACHE_LINE_BYTES) mixed |= load<u8>(weights);
  store<i32>(scratch, mixed);
  return until;
}
