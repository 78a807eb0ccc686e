/** @module Cache space for several prompts of one request, one after the other. */
import type { LanguageModel, TokenTree } from '../../decoding/interface/token-tree.ts';

/** A token tree that can be emptied while its cache space stays reserved. */
export interface ResettableTree extends TokenTree {
  /** Number of reserved nodes. */
  readonly capacity: number;
  /** Number of evaluations so far that the cache served. */
  readonly reusedEvaluations: number;
  /** Releases the nodes and keeps the reservation. */
  reset(): void;
}

/** A model whose trees use one reservation in turn. No other request can take the space in between. */
export class ReservedTree implements LanguageModel {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly eosTokenIds: readonly number[];
  readonly #tree: ResettableTree;

  constructor(model: LanguageModel, tree: ResettableTree) {
    this.vocabSize = model.vocabSize;
    this.contextLength = model.contextLength;
    this.eosTokenIds = model.eosTokenIds;
    this.#tree = tree;
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
      append: (parent, token) => tree.append(parent, token),
      evaluate: (evaluations) => tree.evaluate(evaluations),
      release: (node) => tree.release(node),
      close: () => tree.reset(),
    };
  }

  close(): void {
    this.#tree.close();
  }
}
