/** @module Room in the cache for several prompts of one request, one after the other. */
import type { LanguageModel, TokenTree } from '../../decoding/interface/token-tree.ts';

/** A tree that can begin anew in the same room. */
export interface ResettableTree extends TokenTree {
  /** Nodes it has room for. */
  readonly size: number;
  /** Evaluations so far that had been done already. */
  readonly reused: number;
  /** Gives back the nodes, and keeps their room. */
  clear(): void;
}

/** A model whose trees all lie in one that is open: nobody else can take the room in between. */
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

  get reused(): number {
    return this.#tree.reused;
  }

  open(nodes: number): TokenTree {
    const tree = this.#tree;
    if (nodes > tree.size) throw new RangeError(`the lane has room for ${tree.size} nodes, not for ${nodes}`);
    return {
      append: (parent, token) => tree.append(parent, token),
      evaluate: (evaluations) => tree.evaluate(evaluations),
      release: (node) => tree.release(node),
      close: () => tree.clear(),
    };
  }

  close(): void {
    this.#tree.close();
  }
}
