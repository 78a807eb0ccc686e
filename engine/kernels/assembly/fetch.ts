/**
 * Keys and values, fetched into the cache before they are worked on: so many reads wait for memory at the same time,
 * and between products few do. (One row after 256 tokens took 1.7 times as long without.)
 */
import { keyAt, lengthOf, pathOf } from './attention-parts';

const LINE: usize = 64;
/** Bytes that a core's own cache (of the second level) holds at once. */
const CACHE: i32 = 524288;

/** How many heads' keys and values, 8 bits each, are worth fetching at once for the longest of the paths. */
export function headsTogether(paths: usize, rows: i32, size: usize): i32 {
  let longest = 0;
  for (let row = 0; row < rows; row++) longest = max(longest, lengthOf(paths, row));
  return max(1, CACHE / (2 * longest * <i32>size));
}

/**
 * Brings `bytes` at `offset` of all tokens of the paths into the cache. A path that begins as the one before it has
 * much of its tokens.
 * @param scratch 4 bytes
 */
export function fetchAll(paths: usize, rows: i32, offset: usize, bytes: usize, scratch: usize): void {
  let before: usize = 0;
  for (let row = 0; row < rows; row++) {
    const path = <usize>load<u32>(pathOf(paths, row));
    const first = keyAt(path, 0);
    if (first != before) store<i32>(scratch, fetch(path, lengthOf(paths, row), offset, bytes));
    before = first;
  }
}

/** @returns something that depends on all bytes, so that none is left out */
function fetch(path: usize, n: i32, offset: usize, bytes: usize): i32 {
  let all = 0;
  for (let t = 0; t < n; t++) {
    const from = keyAt(path, t) + offset;
    for (let i: usize = 0; i < bytes; i += LINE) all |= load<u8>(from + i);
    all |= load<u8>(from + bytes - 1);
  }
  return all;
}
