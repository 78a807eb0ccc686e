/**
 * @module The nodes of all trees: tokens with their prefixes, each with a slot in the pool.
 *
 * Trees with a common prefix retain the same nodes, so a token after the same prefix is computed once, both
 * for concurrent and for later requests. Nodes that no tree retains stay cached until their slots are needed
 * (the prefix cache; compare SGLang's RadixAttention). One map finds all children: from the parent's slot and
 * the token.
 *
 * Shared nodes belong to a partition, named by any string, and trees find the nodes of their own partition
 * only: each is a tree with a root of its own. So a tree cannot tell what another partition has cached.
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
  /** The partition whose trees may find it; undefined if it belongs to one tree alone. */
  readonly partition: string | undefined;
  /** Trees that retain it. */
  retainCount = 0;
  /** Trees that retain it as part of the prefix they found at opening, beyond what they reserved. */
  pinCount = 0;
  /** Whether its slot contains its keys and values. */
  evaluated = false;

  constructor(token: number, parent: CachedNode | null, slot: number, partition: string | undefined) {
    this.token = token;
    this.parent = parent;
    this.position = parent ? parent.position + 1 : 0;
    this.slot = slot;
    this.partition = partition;
  }
}

/** The root of a partition's nodes. It exists as long as any of them does. */
interface Root {
  /** In place of a parent's slot in the keys of its children: negative, so that it is never a slot. */
  readonly id: number;
  children: number;
}

export class RadixTree {
  readonly #pool: KeyValuePool;
  readonly #vocabSize: number;
  readonly #sharedNodes = new Map<number, CachedNode>();
  readonly #roots = new Map<string, Root>();
  #lastRootId = 0;
  /**
   * Cached nodes that no tree retains, in order of their release: least recently used first. Trees release
   * children before parents, so the first node has no cached child and can be evicted.
   */
  readonly #evictable = new Set<CachedNode>();
  /**
   * Over `#evictable`. A set keeps the holes of what was deleted for a while, and an iterator of one's own for each eviction
   * would pass all of them again.
   */
  #oldest = this.#evictable.values();

  constructor(pool: KeyValuePool, vocabSize: number) {
    this.#pool = pool;
    this.#vocabSize = vocabSize;
  }

  /** Number of cached nodes that no tree retains. */
  get evictable(): number {
    return this.#evictable.size;
  }

  /** @param partition of the caller; a parent is one of its nodes */
  findChild(parent: CachedNode | null, token: number, partition: string): CachedNode | undefined {
    const above = parent ? parent.slot : this.#roots.get(partition)?.id;
    return above === undefined ? undefined : this.#sharedNodes.get(this.#key(above, token));
  }

  /** The longest prefix of `tokens` that is cached in a partition. */
  findPrefix(tokens: ArrayLike<number>, partition: string): CachedNode[] {
    const prefix: CachedNode[] = [];
    for (let i = 0; i < tokens.length; i++) {
      const next = this.findChild(prefix.at(-1) ?? null, tokens[i] as number, partition);
      if (!next) break;
      prefix.push(next);
    }
    return prefix;
  }

  /**
   * Allocates a slot for a new node; evicts the least recently used node if none is free.
   * @param partition that shares the node, which is its parent's; undefined if no other tree may find it
   */
  create(parent: CachedNode | null, token: number, partition: string | undefined): CachedNode {
    if (this.#pool.freeSlots === 0) this.#evictOldest();
    const node = new CachedNode(token, parent, this.#pool.allocate(), partition);
    if (partition === undefined) return node;
    const above = parent ? parent.slot : this.#addChildOfRoot(partition);
    this.#sharedNodes.set(this.#key(above, token), node);
    return node;
  }

  retain(node: CachedNode): void {
    if (node.retainCount++ === 0) this.#evictable.delete(node);
  }

  release(node: CachedNode): void {
    if (--node.retainCount > 0) return;
    if (node.partition !== undefined && node.evaluated) this.#evictable.add(node);
    else this.#free(node);
  }

  /**
   * Evicts the nodes that no tree retains, of some partitions. In the order of release children come first
   * here too, since a node and its children have the same partition.
   * @returns the number of evicted nodes
   */
  evict(isEvicted: (partition: string) => boolean): number {
    const evicted = [...this.#evictable].filter(
      ({ partition }) => partition !== undefined && isEvicted(partition),
    );
    for (const node of evicted) this.#evict(node);
    return evicted.length;
  }

  #evictOldest(): void {
    let oldest = this.#oldest.next();
    if (oldest.done) {
      // An iterator that has ended does not see later nodes.
      this.#oldest = this.#evictable.values();
      oldest = this.#oldest.next();
    }
    if (oldest.done) throw new Error('no slot is free or evictable: more were requested than reserved');
    this.#evict(oldest.value);
  }

  #evict(node: CachedNode): void {
    this.#evictable.delete(node);
    this.#free(node);
  }

  #free({ token, parent, slot, partition }: CachedNode): void {
    if (partition !== undefined) {
      const above = parent ? parent.slot : this.#removeChildOfRoot(partition);
      this.#sharedNodes.delete(this.#key(above, token));
    }
    this.#pool.free(slot);
  }

  /** @returns the id of the partition's root */
  #addChildOfRoot(partition: string): number {
    const root = this.#roots.get(partition) ?? { id: --this.#lastRootId, children: 0 };
    this.#roots.set(partition, root);
    root.children++;
    return root.id;
  }

  /** @returns the id of the partition's root, which is dropped with its last child */
  #removeChildOfRoot(partition: string): number {
    const root = this.#roots.get(partition);
    if (!root) throw new Error('a shared node has no root');
    if (--root.children === 0) this.#roots.delete(partition);
    return root.id;
  }

  /**
   * Unique: a slot is an address, never 0, and belongs to one node at a time; the id of a root is negative.
   * @param above the parent's slot, or the root's id
   */
  #key(above: number, token: number): number {
    return above * this.#vocabSize + token;
  }
}
