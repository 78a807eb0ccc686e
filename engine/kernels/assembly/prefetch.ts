/**
 * Loads keys and values into the CPU cache before they are used. Many reads then wait for memory at the same
 * time; between multiplications few do. (One row after 256 tokens took 1.7 times as long without.)
 */
import { lengthOf, pathOf, slotAt } from './attention-parts';

const CACHE_LINE_BYTES: usize = 64;
/** Size of a core's L2 cache. */
const L2_CACHE_BYTES: i32 = 524288;

/** Heads whose 8-bit keys and values fit in the cache at once, for the longest path. */
export function headsPerPrefetch(paths: usize, rows: i32, size: usize): i32 {
  let longest = 0;
  for (let row = 0; row < rows; row++) longest = max(longest, lengthOf(paths, row));
  return max(1, L2_CACHE_BYTES / (2 * longest * <i32>size));
}

/**
 * Loads `bytes` at `offset` of all slots of the paths. Skips a path with the same first slot as the path
 * before it: the two share most of their slots.
 * @param scratch 4 bytes
 */
export function prefetch(paths: usize, rows: i32, offset: usize, bytes: usize, scratch: usize): void {
  let previousFirst: usize = 0;
  for (let row = 0; row < rows; row++) {
    const path = pathOf(paths, row);
    const first = slotAt(path, 0);
    if (first != previousFirst) store<i32>(scratch, prefetchPath(path, lengthOf(paths, row), offset, bytes));
    previousFirst = first;
  }
}

/** @returns a value that depends on every load, so that the compiler removes none */
function prefetchPath(path: usize, n: i32, offset: usize, bytes: usize): i32 {
  let mixed = 0;
  for (let t = 0; t < n; t++) {
    const begin = slotAt(path, t) + offset;
    for (let i: usize = 0; i < bytes; i += CACHE_LINE_BYTES) mixed |= load<u8>(begin + i);
    mixed |= load<u8>(begin + bytes - 1);
  }
  return mixed;
}
