/**
 * @module The engine's `TokenTree`: the nodes that one generation retains, within the capacity it has
 * reserved.
 */
import type { LogitsReader } from '../../decoding/interface/logits-row.ts';
import type { Evaluation, EvaluationKind, TokenTree, TreeNode } from '../../decoding/interface/token-tree.ts';
import type { KeyValuePool } from '../cache/kv-pool.ts';
import { CachedNode, type RadixTree } from '../cache/radix-tree.ts';
import type { Adapter } from '../model/adapters.ts';
import { LeaseExpiredError } from './errors.ts';
import type { PassQueue, QueuedRow } from './pass-queue.ts';

/** State that all trees of an engine share. */
export interface SharedCache {
  readonly pool: KeyValuePool;
  readonly radixTree: RadixTree;
  readonly queue: PassQueue;
  readonly vocabSize: number;
  readonly contextLength: number;
  /** Resolves when an adapter is in memory that a tree uses. */
  loadAdapter(adapter: Adapter): Promise<void>;
}

export interface TreeOptions {
  /** Whether the tree uses the prefix cache and adds its nodes to it. Default: false. */
  readonly shared?: boolean | undefined;
  /** The partition of the prefix cache that a shared tree uses; it finds nothing of others. Default: ''. */
  readonly partition?: string | undefined;
  /** The prompt of a shared tree: its cached prefix is pinned and needs no reservation. */
  readonly prompt?: ArrayLike<number> | undefined;
  /** Changes the model for this tree, which finds only nodes of trees with the same one. */
  readonly adapter?: Adapter | undefined;
}

export class CachedTree implements TokenTree {
  readonly lendsLogits = true;
  readonly #sharedCache: SharedCache;
  /** Undefined for a tree that shares nothing. */
  readonly #partition: string | undefined;
  readonly #adapter: Adapter | undefined;
  readonly #onClose: (tree: CachedTree) => void;
  /** Retain count of each node in this tree: by the caller, by its children here, and by queued rows. */
  readonly #retainCounts = new Map<CachedNode, number>();
  /** The prompt's prefix that was cached at opening. It is retained until the tree closes. */
  readonly #pinned: readonly CachedNode[];
  /** Maximum number of nodes at a time, pinned ones included. */
  readonly capacity: number;
  /** Time of the last evaluation (`Date.now()`). */
  lastUsed = Date.now();
  /** Rows without logits that needed no computation when they came first: cached, or computed by another tree. */
  reusedEvaluations = 0;
  #state: 'open' | 'closed' | 'expired' = 'open';

  /**
   * @param capacity maximum number of nodes at a time, cached ones included
   * @throws SlotsExhaustedError when the pool cannot reserve slots for them
   */
  constructor(
    sharedCache: SharedCache,
    capacity: number,
    { prompt = [], shared = false, partition: named = '', adapter }: TreeOptions,
    onClose: (tree: CachedTree) => void,
  ) {
    this.#sharedCache = sharedCache;
    this.#adapter = adapter;
    // The name of an adapter is no part of a partition's: NUL is in neither.
    const partition = adapter ? `${named}\0${adapter.name}` : named;
    this.#partition = shared ? partition : undefined;
    this.#onClose = onClose;
    this.#pinned = shared ? sharedCache.radixTree.findPrefix(prompt, partition) : [];
    this.capacity = capacity;
    // A node's first pin reserves its slot: so far it was evictable, or part of another tree's reservation.
    const firstPins = this.#pinned.filter(({ pinCount }) => pinCount === 0).length;
    sharedCache.pool.reserve(this.#unpinnedCapacity + firstPins, sharedCache.radixTree.evictable);
    for (const node of this.#pinned) node.pinCount++;
    const last = this.#pinned.at(-1);
    if (last) this.#retain(last);
  }

  get closed(): boolean {
    return this.#state !== 'open';
  }

  append(parent: TreeNode | null, token: number): CachedNode {
    this.#checkOpen();
    const { vocabSize, contextLength, radixTree } = this.#sharedCache;
    if (!Number.isInteger(token) || token < 0 || token >= vocabSize) {
      throw new RangeError(`token ${token} is outside the vocabulary of ${vocabSize}`);
    }
    const ownParent = parent && this.#own(parent);
    if (ownParent && ownParent.position + 1 >= contextLength) {
      throw new RangeError(
        `position ${ownParent.position + 1} is outside the context of ${contextLength} tokens`,
      );
    }
    const partition = this.#partition;
    const cached = partition === undefined ? undefined : radixTree.findChild(ownParent, token, partition);
    const isNew = cached === undefined || !this.#retainCounts.has(cached);
    if (isNew && this.#retainCounts.size >= this.capacity) {
      throw new RangeError(`the tree holds ${this.capacity} nodes already, all that were reserved for it`);
    }
    const node = cached ?? radixTree.create(ownParent, token, partition);
    this.#retain(node);
    return node;
  }

  async evaluate(evaluations: readonly Evaluation[], kind?: EvaluationKind): Promise<void> {
    this.#checkOpen();
    this.lastUsed = Date.now();
    // Its space was reserved with the tree's.
    if (this.#adapter && !this.#adapter.isLoaded) {
      await this.#sharedCache.loadAdapter(this.#adapter).finally(() => this.#checkOpen());
      this.lastUsed = Date.now();
    }
    const rows = evaluations.map((evaluation) => ({
      node: this.#own(evaluation.node),
      read: readerOf(evaluation),
      only: evaluation.logits ? undefined : evaluation.only,
      gather: evaluation.gather,
      adapter: this.#adapter,
    }));
    checkOrder(rows);
    // A queued row keeps its slot, even if the caller releases its node in the meantime.
    for (const { node } of rows) this.#retain(node);
    try {
      const isPrompt = kind === undefined ? isChain(rows) : kind !== 'step';
      const reused = await this.#sharedCache.queue.run({ owner: this, rows, isPrompt });
      if (kind !== 'reset') this.reusedEvaluations += reused;
    } finally {
      for (const { node } of rows) this.release(node);
    }
    this.lastUsed = Date.now();
    this.#checkOpen();
  }

  release(node: TreeNode): void {
    if (this.closed) return;
    for (let current: CachedNode | null = this.#own(node); current; current = current.parent) {
      const count = (this.#retainCounts.get(current) ?? 0) - 1;
      if (count > 0) {
        this.#retainCounts.set(current, count);
        return;
      }
      this.#retainCounts.delete(current);
      this.#sharedCache.radixTree.release(current);
    }
  }

  /** Releases all nodes except the pinned prefix, and keeps the reservation. */
  reset(): void {
    if (this.closed) return;
    this.#releaseAllExcept(new Set(this.#pinned));
    for (const node of this.#pinned) this.#retainCounts.set(node, 1);
  }

  close(): void {
    this.#closeAs('closed');
  }

  /** Closes an idle tree. Later calls of its owner throw LeaseExpiredError. */
  expire(): void {
    this.#closeAs('expired');
  }

  #closeAs(state: 'closed' | 'expired'): void {
    if (this.closed) return;
    const lastPins = this.#pinned.filter((node) => --node.pinCount === 0).length;
    this.#releaseAllExcept(new Set());
    this.#state = state;
    this.#sharedCache.pool.unreserve(this.#unpinnedCapacity + lastPins);
    this.#onClose(this);
  }

  get #unpinnedCapacity(): number {
    return this.capacity - this.#pinned.length;
  }

  #retain(node: CachedNode): void {
    const count = this.#retainCounts.get(node);
    this.#retainCounts.set(node, (count ?? 0) + 1);
    if (count !== undefined) return;
    this.#sharedCache.radixTree.retain(node);
    if (node.parent) this.#retain(node.parent);
  }

  /** Releases children before parents, as {@link RadixTree} requires for its eviction order. */
  #releaseAllExcept(retained: ReadonlySet<CachedNode>): void {
    const released = [...this.#retainCounts.keys()].filter((node) => !retained.has(node));
    for (const node of released.sort((a, b) => b.position - a.position)) {
      this.#retainCounts.delete(node);
      this.#sharedCache.radixTree.release(node);
    }
  }

  #own(node: TreeNode): CachedNode {
    if (!(node instanceof CachedNode) || !this.#retainCounts.has(node)) {
      throw new Error('the node is not, or no longer, one of this tree');
    }
    return node;
  }

  #checkOpen(): void {
    if (this.#state === 'expired') {
      throw new LeaseExpiredError('the tree was idle for too long, and its cache space was given to others');
    }
    if (this.#state === 'closed') throw new Error('the tree is closed');
  }
}

/** A reader that copies the row, calls the evaluation's own reader, or both; undefined if it asks for neither. */
function readerOf({ logits, read }: Evaluation): LogitsReader | undefined {
  if (!logits) return read;
  return (row) => {
    logits.set(row.values);
    read?.(row);
  };
}

/** Every parent must be evaluated already, or earlier in the same call. */
function checkOrder(rows: readonly QueuedRow[]): void {
  const preceding = new Set<CachedNode>();
  for (const { node } of rows) {
    if (node.parent && !node.parent.evaluated && !preceding.has(node.parent)) {
      throw new Error('a node is evaluated after its parent');
    }
    preceding.add(node);
  }
}

/**
 * Whether each row is the parent of the next, as in a prompt. The rows of a step are siblings or unrelated.
 */
function isChain(rows: readonly QueuedRow[]): boolean {
  return rows.length > 1 && rows.every(({ node }, i) => i === 0 || node.parent === rows[i - 1]?.node);
}
