/** @module The engine's side of a `TokenTree`: which nodes one generation holds, within what it has reserved. */
import type { Evaluation, TokenTree, TreeNode } from '../../decoding/interface/token-tree.ts';
import type { KeyValuePool } from '../cache/kv-pool.ts';
import { CachedNode, type RadixTree } from '../cache/radix-tree.ts';
import { LeaseExpiredError } from './errors.ts';
import type { PassQueue } from './pass-queue.ts';

/** What all trees of an engine share. */
export interface SharedCache {
  readonly pool: KeyValuePool;
  readonly nodes: RadixTree;
  readonly queue: PassQueue;
  readonly vocabSize: number;
  readonly contextLength: number;
}

export interface TreeOptions {
  /** Whether it uses what others have computed, and leaves what it has computed itself; false if not given. */
  readonly shared?: boolean | undefined;
  /** Tokens that a shared tree will begin with: of these, what is there already need not be reserved. */
  readonly prompt?: ArrayLike<number> | undefined;
}

export class CachedTree implements TokenTree {
  readonly #sharedCache: SharedCache;
  readonly #shared: boolean;
  readonly #onClose: (tree: CachedTree) => void;
  /** For each node that the tree holds, how often: by the caller, by children in this tree, by waiting rows. */
  readonly #holds = new Map<CachedNode, number>();
  /** The beginning that was there when the tree was opened. It is held to the end, and does not count. */
  readonly #pinned: readonly CachedNode[];
  /** RadixTree that it may hold, these included. */
  readonly size: number;
  /** When something was last asked of it (`Date.now()`). */
  touched = Date.now();
  /** Evaluations that had been done already, by this tree or another. */
  reused = 0;
  #closed: 'no' | 'closed' | 'expired' = 'no';

  /**
   * @param nodes that it may hold at one time, those included that it finds
   * @throws SlotsExhaustedError when the pool cannot promise as many as are missing
   */
  constructor(
    sharedCache: SharedCache,
    nodes: number,
    { prompt = [], shared = false }: TreeOptions,
    onClose: (tree: CachedTree) => void,
  ) {
    this.#sharedCache = sharedCache;
    this.#shared = shared;
    this.#onClose = onClose;
    this.#pinned = shared ? sharedCache.nodes.findPath(prompt) : [];
    this.size = nodes;
    // What was kept for later, or is within another's reservation, must from now on be there without either.
    const alone = this.#pinned.filter(({ pins }) => pins === 0).length;
    sharedCache.pool.reserve(this.#beyondPinned + alone, sharedCache.nodes.evictable);
    for (const node of this.#pinned) node.pins++;
    const last = this.#pinned.at(-1);
    if (last) this.#hold(last);
  }

  get closed(): boolean {
    return this.#closed !== 'no';
  }

  append(parent: TreeNode | null, token: number): CachedNode {
    this.#checkOpen();
    const { vocabSize, contextLength, nodes } = this.#sharedCache;
    if (!Number.isInteger(token) || token < 0 || token >= vocabSize) {
      throw new RangeError(`token ${token} is outside the vocabulary of ${vocabSize}`);
    }
    const above = parent && this.#own(parent);
    if (above && above.position + 1 >= contextLength) {
      throw new RangeError(
        `position ${above.position + 1} is outside the context of ${contextLength} tokens`,
      );
    }
    const found = this.#shared ? nodes.find(above, token) : undefined;
    const isNew = found === undefined || !this.#holds.has(found);
    if (isNew && this.#holds.size >= this.size) {
      throw new RangeError(`the tree holds ${this.size} nodes already, all that were reserved for it`);
    }
    const node = found ?? nodes.create(above, token, this.#shared);
    this.#hold(node);
    return node;
  }

  async evaluate(evaluations: readonly Evaluation[]): Promise<void> {
    this.#checkOpen();
    this.touched = Date.now();
    const rows = evaluations.map(({ node, logits }) => ({ node: this.#own(node), logits }));
    const coming = new Set<CachedNode>();
    for (const { node } of rows) {
      if (node.parent && !node.parent.evaluated && !coming.has(node.parent)) {
        throw new Error('a node is evaluated after its parent');
      }
      coming.add(node);
    }
    // A slot that a waiting row will write to is nobody else's, even if its node is released meanwhile.
    for (const { node } of rows) this.#hold(node);
    try {
      this.reused += await this.#sharedCache.queue.run(this, rows);
    } finally {
      for (const { node } of rows) this.release(node);
    }
    this.touched = Date.now();
    this.#checkOpen();
  }

  release(node: TreeNode): void {
    if (this.closed) return;
    for (let at: CachedNode | null = this.#own(node); at; at = at.parent) {
      const holds = (this.#holds.get(at) ?? 0) - 1;
      if (holds > 0) {
        this.#holds.set(at, holds);
        return;
      }
      this.#holds.delete(at);
      this.#sharedCache.nodes.release(at);
    }
  }

  /** Gives all nodes back but the beginning that it was opened with, and keeps their room. */
  clear(): void {
    if (this.closed) return;
    this.#leaveAllBut(new Set(this.#pinned));
    for (const node of this.#pinned) this.#holds.set(node, 1);
  }

  close(): void {
    this.#end('closed');
  }

  /** Closes a tree of which nothing has been heard for too long; its holder learns of it when it comes back. */
  expire(): void {
    this.#end('expired');
  }

  #end(how: 'closed' | 'expired'): void {
    if (this.closed) return;
    const alone = this.#pinned.filter((node) => --node.pins === 0).length;
    this.#leaveAllBut(new Set());
    this.#closed = how;
    this.#sharedCache.pool.unreserve(this.#beyondPinned + alone);
    this.#onClose(this);
  }

  get #beyondPinned(): number {
    return this.size - this.#pinned.length;
  }

  #hold(node: CachedNode): void {
    const holds = this.#holds.get(node);
    this.#holds.set(node, (holds ?? 0) + 1);
    if (holds !== undefined) return;
    this.#sharedCache.nodes.retain(node);
    if (node.parent) this.#hold(node.parent);
  }

  /** Followers first, as `RadixTree` wants it. */
  #leaveAllBut(kept: ReadonlySet<CachedNode>): void {
    const left = [...this.#holds.keys()].filter((node) => !kept.has(node));
    for (const node of left.sort((a, b) => b.position - a.position)) {
      this.#holds.delete(node);
      this.#sharedCache.nodes.release(node);
    }
  }

  #own(node: TreeNode): CachedNode {
    if (!(node instanceof CachedNode) || !this.#holds.has(node)) {
      throw new Error('the node is not, or no longer, one of this tree');
    }
    return node;
  }

  #checkOpen(): void {
    if (this.#closed === 'expired') {
      throw new LeaseExpiredError(
        'nothing was asked of this tree for too long, and its memory was given to others',
      );
    }
    if (this.#closed === 'closed') throw new Error('the tree is closed');
  }
}
