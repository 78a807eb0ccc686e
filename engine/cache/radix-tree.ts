/**
 * @module Every node there is, whichever trees hold it: a token on its path, with a slot in the pool.
 *
 * Trees whose paths begin alike hold the same nodes, so a token after the same tokens is computed once: while they wait,
 * while they run, and afterwards. What no tree holds any more stays in its slot until somebody needs the room (the prefix
 * cache). A radix tree of tokens, then, whose branches are found by one map: parent's slot and token to node.
 */
import type { TreeNode } from '../../decoding/interface/token-tree.ts';
import type { KeyValuePool } from './kv-pool.ts';

/** A token on its path, whose keys and values have a slot in the pool. */
export interface PathNode {
  readonly token: number;
  readonly position: number;
  readonly parent: PathNode | null;
  readonly slot: number;
}

export class CachedNode implements TreeNode, PathNode {
  readonly token: number;
  readonly position: number;
  readonly parent: CachedNode | null;
  readonly slot: number;
  /** Whether other trees may find it. */
  readonly shared: boolean;
  /** Trees that hold it. */
  trees = 0;
  /** Of these, how many hold it as the beginning that they found, outside of what they have reserved. */
  pins = 0;
  /** Whether its keys and values are in its slot. */
  evaluated = false;

  constructor(token: number, parent: CachedNode | null, slot: number, shared: boolean) {
    this.token = token;
    this.parent = parent;
    this.position = parent ? parent.position + 1 : 0;
    this.slot = slot;
    this.shared = shared;
  }
}

export class RadixTree {
  readonly #pool: KeyValuePool;
  readonly #vocabSize: number;
  readonly #shared = new Map<number, CachedNode>();
  /**
   * RadixTree that no tree holds, in the order in which they were left. A tree leaves a node after those that follow it, so the
   * first has no followers: the least recently used can go without anything hanging in the air.
   */
  readonly #evictable = new Set<CachedNode>();

  constructor(pool: KeyValuePool, vocabSize: number) {
    this.#pool = pool;
    this.#vocabSize = vocabSize;
  }

  /** RadixTree that are kept although no tree holds them. */
  get evictable(): number {
    return this.#evictable.size;
  }

  /** The shared node of `token` after `parent`. */
  find(parent: CachedNode | null, token: number): CachedNode | undefined {
    return this.#shared.get(this.#key(parent, token));
  }

  /** Those that stand for the longest beginning of `tokens` that is there. */
  findPath(tokens: ArrayLike<number>): CachedNode[] {
    const path: CachedNode[] = [];
    for (let i = 0; i < tokens.length; i++) {
      const next = this.find(path.at(-1) ?? null, tokens[i] as number);
      if (!next) break;
      path.push(next);
    }
    return path;
  }

  /** A node that was not there, in a free slot or, where there is none, in that of the node left longest ago. */
  create(parent: CachedNode | null, token: number, shared: boolean): CachedNode {
    if (this.#pool.free === 0) this.#evictOldest();
    const node = new CachedNode(token, parent, this.#pool.take(), shared);
    if (shared) this.#shared.set(this.#key(parent, token), node);
    return node;
  }

  retain(node: CachedNode): void {
    if (node.trees++ === 0) this.#evictable.delete(node);
  }

  release(node: CachedNode): void {
    if (--node.trees > 0) return;
    if (node.shared && node.evaluated) this.#evictable.add(node);
    else this.#free(node);
  }

  /** Gives up what is kept. */
  evictAll(): void {
    while (this.#evictable.size > 0) this.#evictOldest();
  }

  #evictOldest(): void {
    const [oldest] = this.#evictable;
    if (!oldest) throw new Error('a slot was asked for that nobody had reserved');
    this.#evictable.delete(oldest);
    this.#free(oldest);
  }

  #free(node: CachedNode): void {
    if (node.shared) this.#shared.delete(this.#key(node.parent, node.token));
    this.#pool.give(node.slot);
  }

  /** A slot is an address, never 0, and has one node at a time. */
  #key(parent: CachedNode | null, token: number): number {
    return (parent?.slot ?? 0) * this.#vocabSize + token;
  }
}
