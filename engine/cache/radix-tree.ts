/**
 * @module The nodes of all trees: tokens with their prefixes, each with a slot in the pool.
 *
 * Trees with a common prefix retain the same nodes, so a token after the same prefix is computed once, both
 * for concurrent and for later requests. Nodes that no tree retains stay cached until their slots are needed
 * (the prefix cache; compare SGLang's RadixAttention). One map finds all children: from the parent's slot and
 * the token.
 */
import type { TreeNode } from '../../decoding/interface/token-tree.ts';
import type { KeyValuePool } from './kv-pool.ts';

/** A token and its prefix, as the forward pass reads them. */
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
  /** Trees that retain it. */
  retainCount = 0;
  /** Trees that retain it as part of the prefix they found at opening, beyond what they reserved. */
  pinCount = 0;
  /** Whether its slot contains its keys and values. */
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
  readonly #sharedNodes = new Map<number, CachedNode>();
  /**
   * Cached nodes that no tree retains, in order of their release: least recently used first. Trees release
   * children before parents, so the first node has no cached child and can be evicted.
   */
  readonly #evictable = new Set<CachedNode>();

  constructor(pool: KeyValuePool, vocabSize: number) {
    this.#pool = pool;
    this.#vocabSize = vocabSize;
  }

  /** Number of cached nodes that no tree retains. */
  get evictable(): number {
    return this.#evictable.size;
  }

  findChild(parent: CachedNode | null, token: number): CachedNode | undefined {
    return this.#sharedNodes.get(this.#key(parent, token));
  }

  /** The longest cached prefix of `tokens`. */
  findPrefix(tokens: ArrayLike<number>): CachedNode[] {
    const prefix: CachedNode[] = [];
    for (let i = 0; i < tokens.length; i++) {
      const next = this.findChild(prefix.at(-1) ?? null, tokens[i] as number);
      if (!next) break;
      prefix.push(next);
    }
    return prefix;
  }

  /** Allocates a slot for a new node; evicts the least recently used node if none is free. */
  create(parent: CachedNode | null, token: number, shared: boolean): CachedNode {
    if (this.#pool.freeSlots === 0) this.#evictOldest();
    const node = new CachedNode(token, parent, this.#pool.allocate(), shared);
    if (shared) this.#sharedNodes.set(this.#key(parent, token), node);
    return node;
  }

  retain(node: CachedNode): void {
    if (node.retainCount++ === 0) this.#evictable.delete(node);
  }

  release(node: CachedNode): void {
    if (--node.retainCount > 0) return;
    if (node.shared && node.evaluated) this.#evictable.add(node);
    else this.#free(node);
  }

  evictAll(): void {
    while (this.#evictable.size > 0) this.#evictOldest();
  }

  #evictOldest(): void {
    const [oldest] = this.#evictable;
    if (!oldest) throw new Error('no slot is free or evictable: more were requested than reserved');
    this.#evictable.delete(oldest);
    this.#free(oldest);
  }

  #free(node: CachedNode): void {
    if (node.shared) this.#sharedNodes.delete(this.#key(node.parent, node.token));
    this.#pool.free(node.slot);
  }

  /** Unique: a slot is an address, never 0, and belongs to one node at a time. */
  #key(parent: CachedNode | null, token: number): number {
    return (parent?.slot ?? 0) * this.#vocabSize + token;
  }
}
