/**
 * @module A model whose logits are looked up: a pure function of the path, over a vocabulary so small that a test
 * can try every continuation. Its trees refuse what the engine's refuse, with the same words, and what they hold
 * and run is counted.
 */

import type { Evaluation, LanguageModel, TokenTree, TreeNode } from '../../decoding/interface/token-tree.ts';
import { seededRandom } from '../../decoding/math/random.ts';

/** Logits lie in ±SPREAD / 2. */
const SPREAD = 8;

export interface LookupOptions {
  readonly seed?: number;
  readonly vocabSize?: number;
  readonly contextLength?: number;
  readonly eosTokenIds?: readonly number[];
  /** Of how many of its last tokens the logits after a path are a function; without it, of the whole path. */
  readonly memory?: number;
}

export class LookupModel implements LanguageModel {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly eosTokenIds: readonly number[];
  readonly #seed: number;
  readonly #memory: number;
  /** Of all trees. */
  readonly counts = { openTrees: 0, nodes: 0, mostNodes: 0, evaluateCalls: 0, rows: 0 };

  constructor(options: LookupOptions = {}) {
    this.vocabSize = options.vocabSize ?? 8;
    this.contextLength = options.contextLength ?? 64;
    this.eosTokenIds = options.eosTokenIds ?? [0];
    this.#seed = options.seed ?? 0;
    this.#memory = options.memory ?? Number.POSITIVE_INFINITY;
  }

  /** What `evaluate` gives for the last token of `path`. */
  logitsAfter(path: readonly number[]): Float32Array {
    const known = path.slice(Math.max(0, path.length - this.#memory));
    const hash = known.reduce(
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
  /** The caller may release a node once. */
  released = false;
  /** As the engine's: the caller, each child, and an evaluation under way. */
  holders = 1;
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
  #closed = false;

  constructor(model: LookupModel, size: number) {
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
    const above = parent && this.#own(parent);
    if (above && above.position + 1 >= contextLength) {
      throw new RangeError(
        `position ${above.position + 1} is outside the context of ${contextLength} tokens`,
      );
    }
    if (this.#nodes.size >= this.#size) {
      throw new RangeError(`the tree holds ${this.#size} nodes already, all that were reserved for it`);
    }
    const node = new LookupNode(token, above);
    if (above) above.holders++;
    this.#nodes.add(node);
    counts.nodes++;
    counts.mostNodes = Math.max(counts.mostNodes, counts.nodes);
    return node;
  }

  async evaluate(evaluations: readonly Evaluation[]): Promise<void> {
    this.#checkOpen();
    const rows = evaluations.map(({ node, logits }) => ({ node: this.#own(node), logits }));
    const coming = new Set<LookupNode>();
    for (const { node } of rows) {
      if (node.evaluated || coming.has(node)) throw new Error('a node is evaluated only once');
      if (node.parent && !node.parent.evaluated && !coming.has(node.parent)) {
        throw new Error('a node is evaluated after its parent');
      }
      coming.add(node);
    }
    this.#model.counts.evaluateCalls++;
    this.#model.counts.rows += rows.length;
    for (const { node } of rows) node.holders++;
    await Promise.resolve();
    for (const { node, logits } of rows) {
      node.evaluated = true;
      logits?.set(this.#model.logitsAfter(node.path));
      this.#drop(node);
    }
    this.#checkOpen();
  }

  /** Stricter than the engine, which cannot tell the caller's hold from a child's. */
  release(node: TreeNode): void {
    if (this.#closed) return;
    const own = this.#own(node);
    if (own.released) throw new Error('the node was released before');
    own.released = true;
    this.#drop(own);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#model.counts.nodes -= this.#nodes.size;
    this.#model.counts.openTrees--;
    this.#nodes.clear();
  }

  #drop(node: LookupNode): void {
    for (let free: LookupNode | null = node; free && --free.holders === 0; free = free.parent) {
      if (this.#nodes.delete(free)) this.#model.counts.nodes--;
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
