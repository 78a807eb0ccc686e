/**
 * @module What decoding asks of a model: a tree of tokens in which alternatives share their past.
 *
 * Each token of each alternative is a node, and stands there once, whatever shares it: the prompt of all
 * beams, the common beginning of two samples. Forking is a second child, dropping a beam is a release.
 * Whoever brings another model implements these three interfaces; decoding knows nothing else of it. A model may give the
 * same node to whoever asks for the same token after the same tokens, be it the same generation or another one.
 */

/** One token after all of its ancestors. It stays valid until it is released by everyone who holds it. */
export interface TreeNode {
  readonly token: number;
  /** 0 for the first token of the prompt. */
  readonly position: number;
  readonly parent: TreeNode | null;
}

/** Asks for one node's logits, or only for its place in the cache. */
export interface Evaluation {
  readonly node: TreeNode;
  /** Receives the node's logits, `vocabSize` of them; without it the node is computed and nothing is read out. */
  readonly logits?: Float32Array;
}

export interface TokenTree {
  /**
   * A node for `token` under `parent` (null: a first token). It holds its parent, the caller holds it, once for each call.
   * @throws RangeError for a token outside the vocabulary, a position outside the context, or more nodes at one
   *   time than were reserved
   */
  append(parent: TreeNode | null, token: number): TreeNode;

  /**
   * Runs the model over nodes, each after its parent. One call is one batch: alternatives that go in together share a
   * forward pass. What was evaluated before costs nothing, unless its logits are asked for.
   */
  evaluate(evaluations: readonly Evaluation[]): Promise<void>;

  /** Gives up the caller's hold on a node. What nothing holds any more is freed, up to the first shared ancestor. */
  release(node: TreeNode): void;

  /** Gives everything back, whatever is held. The tree cannot be used afterwards; closing twice is fine. */
  close(): void;
}

export interface LanguageModel {
  readonly vocabSize: number;
  /** The most tokens a path may have. */
  readonly contextLength: number;
  /** Tokens that end a text. */
  readonly eosTokenIds: readonly number[];
  /** A tree with room for `nodes` nodes at one time, reserved before any work starts. */
  open(nodes: number): TokenTree;
}
