/** @module Masks of frames and states, of all constraints of a vocabulary, in a bounded number of bytes. */
import type { Mask } from './mask.ts';
import type { TrieNode } from './vocabulary.ts';

/** What a frame allows, whatever lies below it on the stack. */
export interface FrameMask {
  /** The tokens that the frame reads wholly. */
  readonly inside: Mask;
  /** The beginnings of longer tokens after which the frame may be done: what lies below reads their rest. */
  readonly ends: readonly TrieNode[];
  /** The largest distance after a token of `inside`, or more. */
  readonly maxDistance: number;
  /** Whether another mask has the same tokens: they take no memory. */
  readonly sharesTokens?: boolean;
}

/** A mask's objects, beside its tokens; and one of its ends. */
const ENTRY_BYTES = 300;
const NODE_BYTES = 64;

/** The masks that were used last. */
export class MaskCache {
  readonly #maximum: () => number;
  #bytes = 0;
  /** Frames and states are held weakly, because they hold their constraint. */
  readonly #keys = new WeakMap<object, object>();
  /** The first was used longest ago. */
  readonly #masks = new Map<object, FrameMask>();

  /** @param maximum in bytes; it may change */
  constructor(maximum: number | (() => number)) {
    this.#maximum = typeof maximum === 'number' ? () => maximum : maximum;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The mask of a frame or state, computed if it is not there. */
  get(owner: object, compute: () => FrameMask): FrameMask {
    const key = this.#keys.get(owner);
    const known = key && this.#masks.get(key);
    if (key && known) {
      this.#masks.delete(key);
      this.#masks.set(key, known);
      return known;
    }
    const mask = compute();
    const newKey = {};
    this.#keys.set(owner, newKey);
    this.#masks.set(newKey, mask);
    this.#bytes += bytesOf(mask);
    this.evict(this.#bytes - this.#maximum());
    return mask;
  }

  /** Drops masks until at least `bytes` are free, or none is left. */
  evict(bytes: number): void {
    let freed = 0;
    for (const [key, mask] of this.#masks) {
      if (freed >= bytes) return;
      this.#masks.delete(key);
      freed += bytesOf(mask);
      this.#bytes -= bytesOf(mask);
    }
  }
}

function bytesOf({ inside, ends, sharesTokens }: FrameMask): number {
  return ENTRY_BYTES + (sharesTokens ? 0 : inside.bytes + NODE_BYTES * ends.length);
}
