/** @module The engine's side of a `TokenTree`: nodes with a slot in the pool, counted by who holds them. */
import type { Evaluation, TokenTree, TreeNode } from '../../decoding/token-tree.ts';
import { LeaseExpiredError } from './errors.ts';

import type { KeyValuePool } from './kv-pool.ts';
import type { PathNode } from './network.ts';
import type { PassQueue } from './pass-queue.ts';

export class CachedNode implements TreeNode, PathNode {
  readonly tree: CachedTree;
  readonly token: number;
  readonly position: number;
  readonly parent: CachedNode | null;
  readonly slot: number;
  /** The caller, while it has not released the node, each child, and the queue while the node waits for its pass. */
  holders = 1;
  evaluated = false;

  constructor(tree: CachedTree, token: number, parent: CachedNode | null, slot: number) {
    this.tree = tree;
    this.token = token;
    this.parent = parent;
    this.position = parent ? parent.position + 1 : 0;
    this.slot = slot;
  }
}

export class CachedTree implements TokenTree {
  readonly #pool: KeyValuePool;
  readonly #queue: PassQueue;
  readonly #limits: { readonly vocabSize: number; readonly contextLength: number };
  readonly #onClose: (tree: CachedTree) => void;
  readonly #nodes = new Set<CachedNode>();
  /** Slots reserved for this tree. */
  readonly size: number;
  /** When something was last asked of it (`Date.now()`). */
  touched = Date.now();
  #closed: 'no' | 'closed' | 'expired' = 'no';

  /** @throws SlotsExhaustedError when the pool cannot promise `size` slots */
  constructor(
    pool: KeyValuePool,
    queue: PassQueue,
    limits: { readonly vocabSize: number; readonly contextLength: number },
    size: number,
    onClose: (tree: CachedTree) => void,
  ) {
    pool.reserve(size);
    this.#pool = pool;
    this.#queue = queue;
    this.#limits = limits;
    this.#onClose = onClose;
    this.size = size;
  }

  get closed(): boolean {
    return this.#closed !== 'no';
  }

  append(parent: TreeNode | null, token: number): CachedNode {
    this.#checkOpen();
    const { vocabSize, contextLength } = this.#limits;
    if (!Number.isInteger(token) || token < 0 || token >= vocabSize) {
      throw new RangeError(`token ${token} is outside the vocabulary of ${vocabSize}`);
    }
    const above = parent && this.#own(parent);
    if (above && above.position + 1 >= contextLength) {
      throw new RangeError(
        `position ${above.position + 1} is outside the context of ${contextLength} tokens`,
      );
    }
    if (this.#nodes.size >= this.size) {
      throw new RangeError(`the tree holds ${this.size} nodes already, all that were reserved for it`);
    }
    const node = new CachedNode(this, token, above, this.#pool.take());
    if (above) above.holders++;
    this.#nodes.add(node);
    return node;
  }

  async evaluate(evaluations: readonly Evaluation[]): Promise<void> {
    this.#checkOpen();
    this.touched = Date.now();
    const rows = evaluations.map(({ node, logits }) => ({ node: this.#own(node), logits }));
    const coming = new Set<CachedNode>();
    for (const { node } of rows) {
      if (node.evaluated || coming.has(node)) throw new Error('a node is evaluated only once');
      if (node.parent && !node.parent.evaluated && !coming.has(node.parent)) {
        throw new Error('a node is evaluated after its parent');
      }
      coming.add(node);
    }
    // A slot that a waiting row will write to is nobody else's, even if its node is released meanwhile.
    for (const { node } of rows) node.holders++;
    try {
      await this.#queue.run(rows);
    } finally {
      for (const { node } of rows) this.release(node);
    }
    this.touched = Date.now();
    this.#checkOpen();
  }

  release(node: TreeNode): void {
    if (this.closed) return;
    for (let free: CachedNode | null = this.#own(node); free && --free.holders === 0; free = free.parent) {
      this.#nodes.delete(free);
      this.#pool.give(free.slot);
    }
  }

  /** Gives all nodes back, and keeps their room. */
  clear(): void {
    if (this.closed) return;
    for (const node of this.#nodes) this.#pool.give(node.slot);
    this.#nodes.clear();
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
    this.clear();
    this.#closed = how;
    this.#pool.unreserve(this.size);
    this.#onClose(this);
  }

  #own(node: TreeNode): CachedNode {
    if (!(node instanceof CachedNode) || !this.#nodes.has(node)) {
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
