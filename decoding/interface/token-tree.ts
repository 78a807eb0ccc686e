/**
 * @module The model interface of decoding: a tree of tokens in which alternatives share their prefix.
 *
 * Each token of each alternative is a node. A shared prefix (the prompt of all beams, the common prefix of
 * two samples) is stored once. A fork is a second child; dropping a beam is a release. To bring another
 * model, implement these interfaces: decoding uses nothing else of it. `append` may return the same node for
 * the same token after the same path, within one generation or across several.
 */

import type { Gather, LogitsReader } from './logits-row.ts';

/**
 * One token after its ancestors. A node is reference-counted: it stays valid until every holder has released
 * it.
 */
export interface TreeNode {
  readonly token: number;
  /** 0 for the first token of the prompt. */
  readonly position: number;
  readonly parent: TreeNode | null;
}

/** One row of a forward pass. With none of `logits`, `read` and `gather` the pass only fills the node's cache entry. */
export interface Evaluation {
  readonly node: TreeNode;
  /** `[vocab_size]`, receives the node's logits. */
  readonly logits?: Float32Array | undefined;
  /** Reads the node's logits where they are. Only for trees that lend them. */
  readonly read?: LogitsReader | undefined;
  /** The only tokens whose logits `read` looks at, ascending. All others may be left as they are. Default: all. */
  readonly only?: Uint32Array | undefined;
  /** Reads some of the node's logits. Only for trees that lend them. */
  readonly gather?: Gather | undefined;
}

/**
 * What waits for rows. A step's rows are the next tokens of texts, and somebody waits for each step; those of a prompt,
 * of texts that are scored, or of a reset, may take as long as nobody else has to wait for them. The rows of a reset have
 * tokens that were computed before, in other positions.
 */
export type EvaluationKind = 'step' | 'prompt' | 'reset';

export interface TokenTree {
  /**
   * Whether `evaluate` calls `read` and `gather`. It saves the searches that need only the best of a row (`readsInPlace` in
   * `options/in-place.ts`) from copying it and from computing in JavaScript. Default: false.
   */
  readonly lendsLogits?: boolean;

  /**
   * Returns a node for `token` below `parent` (null for a first token). The node retains its parent; each
   * call adds one reference that the caller must release.
   * @throws RangeError for a token outside the vocabulary, a position outside the context, or more
   *   simultaneous nodes than were reserved
   */
  append(parent: TreeNode | null, token: number): TreeNode;

  /**
   * Evaluates nodes, each after its parent. One call is one batch: its alternatives share a forward pass. A
   * node that is already evaluated costs nothing unless its logits are requested.
   * @param kind default: rows that form one chain are a prompt, all others a step
   */
  evaluate(evaluations: readonly Evaluation[], kind?: EvaluationKind): Promise<void>;

  /**
   * Drops one of the caller's references. Nodes without references are freed, up to the first shared
   * ancestor.
   */
  release(node: TreeNode): void;

  /** Frees all nodes, released or not. The tree cannot be used afterwards; closing it twice is fine. */
  close(): void;
}

export interface LanguageModel {
  readonly vocabSize: number;
  /** Maximum length of a path, in tokens. */
  readonly contextLength: number;
  /** The most nodes that a tree can have. Default: no limit. */
  readonly maxNodes?: number | undefined;
  /** End-of-text tokens. */
  readonly eosTokenIds: readonly number[];
  /** Opens a tree with space for `nodes` simultaneous nodes, reserved before any forward pass. */
  open(nodes: number): TokenTree;
}
