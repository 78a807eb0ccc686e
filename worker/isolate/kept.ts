/** @module What an isolate keeps for later requests, as one: all of it gives way to requests. */
import type { Evictable } from '../../engine/batching/memory-budget.ts';

/** @param all in the order in which they give way */
export function keptTogether(all: readonly Evictable[]): Evictable {
  return {
    get bytes() {
      return all.reduce((sum, { bytes }) => sum + bytes, 0);
    },
    evict(bytes) {
      let wanted = bytes;
      for (const kept of all) {
        const before = kept.bytes;
        kept.evict(wanted);
        wanted -= before - kept.bytes;
      }
    },
  };
}
