/**
 * @module A model whose logits are a pure function of the path, with a vocabulary small enough to enumerate
 * all continuations. Its trees throw the same errors as the engine's, and count nodes and evaluations.
 */

import type { LogitsRow } from '../../decoding/interface/logits-row.ts';
import type { Evaluation, LanguageModel, TokenTree, TreeNode } from '../../decoding/interface/token-tree.ts';
import { seededRandom } from '../../decoding/math/random.ts';
import { gatherFromRow } from '../../engine/model/gathered-rows.ts';

/** Logits are within ±SPREAD / 2. */
const SPREAD = 8;

export interface LookupOptions {
  readonly seed?: number;
  readonly vocabSize?: number;
  readonly contextLength?: number;
  readonly eosTokenIds?: readonly number[];
  /** The number of last tokens that the logits after a path depend on; by default the whole path. */
  readonly memory?: number;
  /** If given, the model lends its logits. */
  readonly lend?: (logits: Float32Array) => LogitsRow;
}

export class LookupModel implements LanguageModel {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly eosTokenIds: readonly number[];
  readonly #seed: number;
  readonly #memory: number;
  readonly lend: ((logits: Float32Array) => LogitsRow) | undefined;
  /** Summed over all trees. */
  readonly counts = { openTrees: 0, nodes: 0, maxNodes: 0, evaluateCalls: 0, rows: 0 };

  constructor(options: LookupOptions = {}) {
    this.vocabSize = options.vocabSize ?? 8;
    this.contextLength = options.contextLength ?? 64;
    this.eosTokenIds = options.eosTokenIds ?? [0];
    this.lend = options.lend;
    this.#seed = options.seed ?? 0;
    this.#memory = options.memory ?? Number.POSITIVE_INFINITY;
  }

  /** The logits that `evaluate` computes for the last token of `path`. */
  logitsAfter(path: readonly number[]): Float32Array {
    const context = path.slice(Math.max(0, path.length - this.#memory));
    const hash = context.reduce(
      (sum, token) => Math.imul(sum ^ (token + 1), 0x01000193),
      this.#seed ^ 0x811c9dc5,
    );
    const random = seededRandom(hash >>> 0);
    return Float32Array.from({ length: this.vocabSize }, () => (random() - 0.5) * SPREAD);
  }

  open(nodes: number): LookupTree {
    return new LookupTree(this, nodes);
  }
}

class LookupNode implements TreeNode {
  readonly token: number;
  readonly position: number;
  readonly parent: LookupNode | null;
  /** Whether the caller has released the node. */
  released = false;
  /** References by the caller, each child, and a running evaluation, as in the engine. */
  references = 1;
  evaluated = false;

  constructor(token: number, parent: LookupNode | null) {
    this.token = token;
    this.parent = parent;
    this.position = parent ? parent.position + 1 : 0;
  }

  get path(): number[] {
    return [...(this.parent?.path ?? []), this.token];
  }
}

class LookupTree implements TokenTree {
  readonly #model: LookupModel;
  readonly #size: number;
  readonly #nodes = new Set<LookupNode>();
  readonly lendsLogits: boolean;
  #closed = false;

  constructor(model: LookupModel, size: number) {
    this.lendsLogits = model.lend !== undefined;
    this.#model = model;
    this.#size = size;
    model.counts.openTrees++;
  }

  append(parent: TreeNode | null, token: number): LookupNode {
    this.#checkOpen();
    const { vocabSize, contextLength, counts } = this.#model;
    if (!Number.isInteger(token) || token < 0 || token >= vocabSize) {
      throw new RangeError(`token ${token} is outside the vocabulary of ${vocabSize}`);
    }
    const ownParent = parent && this.#own(parent);
    if (ownParent && ownParent.position + 1 >= contextLength) {
      throw new RangeError(
        `position ${ownParent.position + 1} is outside the context of ${contextLength} tokens`,
      );
    }
    if (this.#nodes.size >= this.#size) {
      throw new RangeError(`the tree holds ${this.#size} nodes already, all that were reserved for it`);
    }
    const node = new LookupNode(token, ownParent);
    if (ownParent) ownParent.references++;
    this.#nodes.add(node);
    counts.nodes++;
    counts.maxNodes = Math.max(counts.maxNodes, counts.nodes);
    return node;
  }

  async evaluate(evaluations: readonly Evaluation[]): Promise<void> {
    this.#checkOpen();
    const rows = evaluations.map(({ node, ...targets }) => ({ node: this.#own(node), ...targets }));
    const batch = new Set<LookupNode>();
    for (const { node } of rows) {
      if (node.evaluated || batch.has(node)) throw new Error('a node is evaluated only once');
      if (node.parent && !node.parent.evaluated && !batch.has(node.parent)) {
        throw new Error('a node is evaluated after its parent');
      }
      batch.add(node);
    }
    this.#model.counts.evaluateCalls++;
    this.#model.counts.rows += rows.length;
    for (const { node } of rows) node.references++;
    await Promise.resolve();
    for (const { node, logits, read, gather } of rows) {
      node.evaluated = true;
      logits?.set(this.#model.logitsAfter(node.path));
      if (read && this.#model.lend) read(this.#model.lend(this.#model.logitsAfter(node.path)));
      if (gather && this.#model.lend)
        gatherFromRow(gather)(this.#model.lend(this.#model.logitsAfter(node.path)));
      this.#release(node);
    }
    this.#checkOpen();
  }

  /** Stricter than the engine, which does not distinguish the caller's reference from a child's. */
  release(node: TreeNode): void {
    if (this.#closed) return;
    const own = this.#own(node);
    if (own.released) throw new Error('the node was released before');
    own.released = true;
    this.#release(own);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#model.counts.nodes -= this.#nodes.size;
    this.#model.counts.openTrees--;
    this.#nodes.clear();
  }

  #release(node: LookupNode): void {
    for (let unused: LookupNode | null = node; unused && --unused.references === 0; unused = unused.parent) {
      if (this.#nodes.delete(unused)) this.#model.counts.nodes--;
    }
  }

  #own(node: TreeNode): LookupNode {
    if (!(node instanceof LookupNode) || !this.#nodes.has(node)) {
      throw new Error('the node is not, or no longer, one of this tree');
    }
    return node;
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error('the tree is closed');
  }
}
