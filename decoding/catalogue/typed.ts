/**
 * @module The part of a catalogue whose entries begin with what was typed, whatever their tokens are: a walk by bytes
 * from the root, over the tokens that may be a part of it.
 */
import { type Children, childAt, ROOT, type Trie, type TrieLevel } from './trie.ts';

export type BytesOf = (token: number, isFirst: boolean) => Uint8Array;

/** The children of a node that what was typed leaves, and the largest weight below it. */
interface Kept {
  readonly children: Children;
  readonly bestWeight: number;
}

/** Below the nodes that are not in it, everything that was typed has been read, and everything is left. */
export class TypedTrie implements Trie {
  readonly #trie: Trie;
  readonly #kept = new Map<number, Kept>();
  readonly isEmpty: boolean;

  /**
   * @param typed not empty
   * @param bytesOf a token, as the first of an entry or as another
   */
  constructor(trie: Trie, typed: Uint8Array, bytesOf: BytesOf) {
    this.#trie = trie;
    this.isEmpty = !this.#walk(ROOT, typed, bytesOf);
  }

  get levels(): readonly TrieLevel[] {
    return this.#trie.levels;
  }

  childrenOf(node: number): Children {
    return this.#kept.get(node)?.children ?? this.#trie.childrenOf(node);
  }

  isInner(node: number): boolean {
    return this.#kept.has(node) || this.#trie.isInner(node);
  }

  entryAt(node: number): number {
    return this.#kept.has(node) ? -1 : this.#trie.entryAt(node);
  }

  weightOf(entry: number): number {
    return this.#trie.weightOf(entry);
  }

  bestWeightBelow(node: number): number {
    return this.#kept.get(node)?.bestWeight ?? this.#trie.bestWeightBelow(node);
  }

  /** Keeps the children of a node that begin with the rest, or are a beginning of it. @returns whether there are any */
  #walk(node: number, rest: Uint8Array, bytesOf: BytesOf): boolean {
    if (!this.#trie.isInner(node)) return false;
    const all = this.#trie.childrenOf(node);
    const listed: number[] = [];
    const tokens: number[] = [];
    let bestWeight = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < all.tokens.length; i++) {
      const token = all.tokens[i] as number;
      const bytes = bytesOf(token, node === ROOT);
      const length = Math.min(bytes.length, rest.length);
      if (!hasPrefix(bytes, rest, length)) continue;
      const child = childAt(all, i);
      if (bytes.length < rest.length && !this.#walk(child, rest.subarray(length), bytesOf)) continue;
      listed.push(child);
      tokens.push(token);
      const entry = this.entryAt(child);
      const own = entry < 0 ? Number.NEGATIVE_INFINITY : this.weightOf(entry);
      bestWeight = Math.max(bestWeight, own, this.bestWeightBelow(child));
    }
    if (listed.length === 0) return false;
    this.#kept.set(node, { children: { first: 0, listed, tokens }, bestWeight });
    return true;
  }
}

/** Whether the first `length` bytes are equal. */
function hasPrefix(bytes: Uint8Array, typed: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[i] !== typed[i]) return false;
  return true;
}
