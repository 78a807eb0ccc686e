/**
 * @module The logits that searches of a catalogue have gathered after nodes of the prefix cache. Who types a letter more asks
 * for the same tree again, or for a part of it: what is kept needs no pass. Few tokens go on in a list, so it is small
 * where rows of logits would not be.
 */
import type { GatheredLogits } from '../../decoding/interface/logits-row.ts';
import type { CachedNode } from '../cache/radix-tree.ts';

/** Outside the budget of requests, and little beside it: some hundred nodes of a list. */
const MAX_BYTES = 256 * 1024;
/** What begins a large list would take the place of many others. */
const MAX_TOKENS = 2048;
/** Of the two arrays and of an entry, about. */
const TOKEN_BYTES = 8;
const ENTRY_BYTES = 400;

interface Entry extends GatheredLogits {
  readonly tokens: Uint32Array;
}

export class GatheredMemo {
  /** Least recently used first. A node that is evicted is never asked for again: a new one takes its place. */
  readonly #entries = new Map<CachedNode, Entry>();
  #bytes = 0;

  add(node: CachedNode, tokens: ArrayLike<number>, { logits, largest, total }: GatheredLogits): void {
    if (node.partition === undefined || tokens.length > MAX_TOKENS) return;
    this.#remove(node);
    this.#entries.set(node, { tokens: Uint32Array.from(tokens), logits: logits.slice(), largest, total });
    this.#bytes += bytesOf(tokens);
    for (const [oldest] of this.#entries) {
      if (this.#bytes <= MAX_BYTES) break;
      this.#remove(oldest);
    }
  }

  /** @returns undefined if any of the tokens is not known */
  find(node: CachedNode, tokens: ArrayLike<number>): GatheredLogits | undefined {
    const entry = this.#entries.get(node);
    if (!entry) return undefined;
    const logits = new Float32Array(tokens.length);
    for (let i = 0, place = 0; i < tokens.length; i++, place++) {
      while ((entry.tokens[place] ?? Number.POSITIVE_INFINITY) < (tokens[i] as number)) place++;
      if (entry.tokens[place] !== tokens[i]) return undefined;
      logits[i] = entry.logits[place] as number;
    }
    this.#entries.delete(node);
    this.#entries.set(node, entry);
    return { logits, largest: entry.largest, total: entry.total };
  }

  #remove(node: CachedNode): void {
    const entry = this.#entries.get(node);
    if (!entry) return;
    this.#bytes -= bytesOf(entry.tokens);
    this.#entries.delete(node);
  }
}

const bytesOf = (tokens: ArrayLike<number>): number => ENTRY_BYTES + TOKEN_BYTES * tokens.length;
