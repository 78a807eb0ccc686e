/**
 * @module The log-likelihoods of texts that go on after one context. The texts are one tree: what several begin with
 * is computed once, a row for each token that others follow. The tree is walked in depth, in batches of rows, so that
 * the cache may be smaller than it.
 */
import type { LanguageModel, TokenTree, TreeNode } from '../interface/token-tree.ts';
import { ranksOf } from '../math/ranks.ts';
import { Rows } from '../math/row-pool.ts';
import { SCORED_ROWS } from '../options/capacity.ts';
import { appendPrompt } from '../strategies/prompt.ts';
import { orderPaths, type PathOrder, type ScoredPath } from './path-order.ts';
import { copiedRow, entropyOfRow, type ScoredRow, scoresOf } from './row-scores.ts';

/** Rows of a batch: at most one full pass. */
export const BATCH_ROWS = 64;

export interface ScoringOptions {
  /** Nodes that the tree may hold at one time, from `nodesOfPaths().least`. More make larger batches. */
  readonly nodes: number;
  /** Whether to find each token's rank, and the entropy of its place. Default: false. */
  readonly places?: boolean | undefined;
  /** Stops before the next batch, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface PathScores {
  /** `[paths + 1]`: the scores of path i are those from `offsets[i]` to `offsets[i + 1]`, one for each scored token. */
  readonly offsets: Int32Array;
  /** `[scores]`: the model's own log-probabilities, with the bits of the option `logprobs` of `decode`. */
  readonly logprobs: Float32Array;
  /** `[paths]`: 1 if greedy search after the context, and the path's unscored tokens, chooses the path. */
  readonly isGreedy: Uint8Array;
  /** `[scores]`, with `places`: the rank of each token in the vocabulary, from 1. */
  readonly ranks: Int32Array | undefined;
  /** `[scores]`, with `places`: the entropy of the model's prediction of each token, in nats. */
  readonly entropies: Float32Array | undefined;
}

/**
 * Scores each path after the context. With an empty context nothing predicts the first token of a path, so `from` must
 * be at least 1 there.
 * @throws the model's errors; RangeError for a token outside the vocabulary or a position outside the context
 * @example const { logprobs } = await scorePaths(model, prompt, [{ tokens: [5, 7], from: 0 }], { nodes: 64 });
 */
export async function scorePaths(
  model: LanguageModel,
  context: ArrayLike<number>,
  paths: readonly ScoredPath[],
  { nodes, places = false, signal }: ScoringOptions,
): Promise<PathScores> {
  if (context.length === 0 && paths.some(({ from }) => from === 0)) {
    throw new RangeError('without a context the first token of a path has no log-probability');
  }
  signal?.throwIfAborted();
  const scores = emptyScores(paths, places);
  const order = orderPaths(paths);
  const tree = model.open(nodes);
  using pool = new Rows(model.vocabSize);
  try {
    const batch = new Batch(tree, pool, signal);
    const readers = new Readers(paths, order, scores);
    const contextNodes = appendPrompt(tree, context);
    const last = contextNodes.at(-1) ?? null;
    for (const node of contextNodes) {
      if (batch.isFull) await batch.run();
      batch.add(node, node === last ? readers.at(0, 0) : undefined);
    }
    await batch.run();
    for (const node of contextNodes) if (node !== last) tree.release(node);

    /** The nodes after the context, of the path that is walked. */
    const walked: TreeNode[] = [];
    for (const [i, index] of order.order.entries()) {
      const { tokens } = paths[index] as ScoredPath;
      batch.drop(walked.splice(Math.min(order.shared[i] as number, walked.length)));
      while (walked.length < tokens.length - 1) {
        const held = context.length + walked.length + batch.dropped;
        if (batch.isFull || held === nodes) await batch.run();
        const node = tree.append(walked.at(-1) ?? last, tokens[walked.length] as number);
        walked.push(node);
        batch.add(node, readers.at(walked.length, i));
      }
    }
    await batch.run();
    return scores;
  } finally {
    tree.close();
  }
}

function emptyScores(paths: readonly ScoredPath[], places: boolean): PathScores {
  const offsets = new Int32Array(paths.length + 1);
  for (const [i, { tokens, from }] of paths.entries()) {
    offsets[i + 1] = (offsets[i] as number) + tokens.length - from;
  }
  const count = offsets[paths.length] as number;
  return {
    offsets,
    logprobs: new Float32Array(count),
    isGreedy: new Uint8Array(paths.length).fill(1),
    ranks: places ? new Int32Array(count) : undefined,
    entropies: places ? new Float32Array(count) : undefined,
  };
}

type RowReader = (row: ScoredRow) => void;

/** What is read after each node of the tree of paths. */
class Readers {
  readonly #paths: readonly ScoredPath[];
  readonly #order: PathOrder;
  readonly #scores: PathScores;

  constructor(paths: readonly ScoredPath[], order: PathOrder, scores: PathScores) {
    this.#paths = paths;
    this.#order = order;
    this.#scores = scores;
  }

  /**
   * The reader of the row after the first `depth` tokens of the path at `place` in the order: the first path with
   * these tokens that has more. Undefined if no path's next token is scored.
   */
  at(depth: number, place: number): RowReader | undefined {
    const { order, shared } = this.#order;
    const scored: number[] = [];
    for (let i = place; i < order.length && (i === place || (shared[i] as number) >= depth); i++) {
      const index = order[i] as number;
      const { tokens, from } = this.#paths[index] as ScoredPath;
      if (depth >= from && depth < tokens.length) scored.push(index);
    }
    if (scored.length === 0) return undefined;
    return (row) => this.#read(row, depth, scored);
  }

  /** A pass that fails is run again: the same row gives the same scores. */
  #read(row: ScoredRow, depth: number, scored: readonly number[]): void {
    const { offsets, logprobs, isGreedy, ranks, entropies } = this.#scores;
    const { best, logprob } = scoresOf(row);
    const tokenOf = (index: number) => this.#path(index).tokens[depth] as number;
    const rankOf = ranks && ranksOf(row.values, [...new Set(scored.map(tokenOf))]);
    const entropy = entropies && entropyOfRow(row);
    for (const index of scored) {
      const token = tokenOf(index);
      const score = (offsets[index] as number) + depth - this.#path(index).from;
      logprobs[score] = logprob(token);
      if (token !== best) isGreedy[index] = 0;
      if (ranks && rankOf) ranks[score] = rankOf.get(token) as number;
      if (entropies && entropy !== undefined) entropies[score] = entropy;
    }
  }

  #path(index: number): ScoredPath {
    return this.#paths[index] as ScoredPath;
  }
}

interface BatchRow {
  readonly node: TreeNode;
  readonly read: RowReader | undefined;
}

/** Rows to evaluate together, and nodes that are released once they have been. */
class Batch {
  readonly #tree: TokenTree;
  readonly #pool: Rows;
  readonly #signal: AbortSignal | undefined;
  readonly #rows: BatchRow[] = [];
  readonly #dropped: TreeNode[] = [];
  /** Of a tree that lends no logits. */
  #copies: readonly Float32Array[] = [];

  constructor(tree: TokenTree, pool: Rows, signal: AbortSignal | undefined) {
    this.#tree = tree;
    this.#pool = pool;
    this.#signal = signal;
  }

  get isFull(): boolean {
    return this.#rows.length >= (this.#tree.lendsLogits ? BATCH_ROWS : SCORED_ROWS);
  }

  /** Number of nodes that wait for their release. */
  get dropped(): number {
    return this.#dropped.length;
  }

  add(node: TreeNode, read: RowReader | undefined): void {
    this.#rows.push({ node, read });
  }

  /** Releases nodes after the batch: some of its rows may be theirs, or follow them. */
  drop(nodes: readonly TreeNode[]): void {
    this.#dropped.push(...nodes);
  }

  async run(): Promise<void> {
    this.#signal?.throwIfAborted();
    const rows = this.#rows.splice(0);
    if (rows.length > 0)
      await (this.#tree.lendsLogits ? this.#tree.evaluate(rows, 'prompt') : this.#copy(rows));
    for (const node of this.#dropped.splice(0).reverse()) this.#tree.release(node);
  }

  async #copy(rows: readonly BatchRow[]): Promise<void> {
    if (this.#copies.length === 0) this.#copies = this.#pool.take(SCORED_ROWS);
    const copies = this.#copies;
    await this.#tree.evaluate(
      rows.map(({ node, read }, i) => (read ? { node, logits: copies[i] } : { node })),
      'prompt',
    );
    for (const [i, { read }] of rows.entries()) read?.(copiedRow(copies[i] as Float32Array));
  }
}
