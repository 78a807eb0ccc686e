/** @module Cache space and memory for several prompts of one request, one after the other. */
import type { LanguageModel, TokenTree } from '../../decoding/interface/token-tree.ts';
import type { MemoryReservation } from '../../engine/batching/memory-budget.ts';

/** A token tree that can be emptied while its cache space stays reserved. */
export interface ResettableTree extends TokenTree {
  /** Number of reserved nodes. */
  readonly capacity: number;
  /** Number of evaluations so far that the cache served. */
  readonly reusedEvaluations: number;
  /** Releases the nodes and keeps the reservation. */
  reset(): void;
}

/** Memory that is taken away unless it is touched. */
export type Lease = Pick<MemoryReservation, 'touch'>;

/** A model whose trees use one reservation in turn. No other request can take the space in between. */
export class ReservedTree implements LanguageModel {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly maxNodes: number | undefined;
  readonly eosTokenIds: readonly number[];
  readonly #tree: ResettableTree;
  readonly #memory: MemoryReservation;
  readonly #shared: readonly Lease[];

  /**
   * Each evaluation renews the leases of the request's memory.
   * @param memory of the searches in this tree, closed with it
   * @param shared memory that the request's trees share
   */
  constructor(
    model: LanguageModel,
    tree: ResettableTree,
    memory: MemoryReservation,
    shared: readonly Lease[],
  ) {
    this.vocabSize = model.vocabSize;
    this.contextLength = model.contextLength;
    this.maxNodes = model.maxNodes;
    this.eosTokenIds = model.eosTokenIds;
    this.#tree = tree;
    this.#memory = memory;
    this.#shared = shared;
  }

  get reusedEvaluations(): number {
    return this.#tree.reusedEvaluations;
  }

  open(nodes: number): TokenTree {
    const tree = this.#tree;
    if (nodes > tree.capacity) {
      throw new RangeError(`${nodes} nodes exceed the ${tree.capacity} that are reserved`);
    }
    return {
      lendsLogits: tree.lendsLogits ?? false,
      append: (parent, token) => tree.append(parent, token),
      evaluate: async (evaluations, kind) => {
        this.#touch();
        await tree.evaluate(evaluations, kind);
        this.#touch();
      },
      release: (node) => tree.release(node),
      close: () => tree.reset(),
    };
  }

  close(): void {
    this.#tree.close();
    this.#memory.close();
  }

  #touch(): void {
    this.#memory.touch();
    for (const memory of this.#shared) memory.touch();
  }
}
