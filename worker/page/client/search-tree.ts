/**
 * @module The tree of a search: a node for each token that a beam or a sample has had after the same tokens, built step by
 * step from what the API tells. It only grows; how it was at an earlier step can be told at any time.
 */
import type { Beam } from './api.ts';

export interface TreeNode {
  /** null: it follows the prompt. */
  readonly parent: TreeNode | null;
  readonly children: TreeNode[];
  /** Tokens from the prompt to it, itself included. */
  readonly step: number;
  /** Of diverse beam search. */
  readonly group: number;
  readonly text: string;
  /** What the token added to the score. */
  readonly logprob: number;
  /** Of a beam the sum of its tokens' scores, of a finished one its score; of a sample the sum of log-probabilities. */
  score: number;
  /** Whether it went on after its step. */
  live: boolean;
  /** Why it ended. */
  finished: string | null;
  /** Among the texts that were returned: 1 is the best. */
  rank: number | null;
  /** Samples that have had it; a beam's node has one. */
  branches: number;
}

export type Fate =
  /** Goes on from here, or ends a text: at the step that is looked at. */
  | 'live'
  | 'finished'
  /** Nothing that follows it is left. */
  | 'dropped';

export class SearchTree {
  readonly #steps: TreeNode[][] = [];
  /** Those that go on from the step before, by their index. */
  #front: readonly TreeNode[] = [];
  /** Of each sample, its last token. */
  readonly #samples = new Map<number, TreeNode>();

  /** So many there are. */
  get steps(): number {
    return this.#steps.length;
  }

  at(step: number): readonly TreeNode[] {
    return this.#steps[step - 1] ?? [];
  }

  /** All up to a step. */
  upTo(step: number): readonly TreeNode[] {
    return this.#steps.slice(0, step).flat();
  }

  /** A step of beam search: `index` and `parent` link it to the one before. */
  addFront(step: number, beams: readonly Beam[]): void {
    const next: TreeNode[] = [];
    for (const { group, index, text, parent, logprob, score, finished } of beams) {
      const before = step === 1 ? null : (this.#front[parent] ?? null);
      const node = this.#add(before, { step, group, text, logprob, score });
      node.branches = 1;
      node.live = index !== null;
      node.finished = finished;
      if (index !== null) next[index] = node;
    }
    this.#front = next;
  }

  /** The next token of a sample. Samples that begin alike share what they begin with. */
  addToken(sample: number, text: string, logprob: number): void {
    const before = this.#samples.get(sample) ?? null;
    const siblings = before ? before.children : this.at(1);
    const step = (before?.step ?? 0) + 1;
    const score = (before?.score ?? 0) + logprob;
    const node =
      siblings.find((sibling) => sibling.text === text) ??
      this.#add(before, { step, group: 0, text, logprob, score });
    node.branches++;
    this.#samples.set(sample, node);
  }

  finishSample(sample: number, reason: string): void {
    const last = this.#samples.get(sample);
    if (!last) return;
    last.live = false;
    last.finished = reason;
  }

  /** Marks the finished ones that were returned, by the scores of the texts, best first. */
  rankReturned(scores: readonly number[]): void {
    const finished = this.upTo(this.steps).filter(({ finished }) => finished !== null);
    for (const [i, score] of scores.entries()) {
      const node = finished.find((one) => one.score === score && one.rank === null);
      if (node) node.rank = i + 1;
    }
  }

  #add(
    parent: TreeNode | null,
    told: Pick<TreeNode, 'step' | 'group' | 'text' | 'logprob' | 'score'>,
  ): TreeNode {
    const node: TreeNode = {
      ...told,
      parent,
      children: [],
      live: true,
      finished: null,
      rank: null,
      branches: 0,
    };
    parent?.children.push(node);
    if (told.step > this.#steps.length) this.#steps.push([]);
    this.#steps[told.step - 1]?.push(node);
    return node;
  }
}

/** From the first token to it. */
export function pathTo(node: TreeNode): TreeNode[] {
  const path: TreeNode[] = [];
  for (let one: TreeNode | null = node; one; one = one.parent) path.unshift(one);
  return path;
}

/** The nodes that go on from a step, of a search as it was then. */
export function liveAt(tree: SearchTree, step: number): TreeNode[] {
  return tree.at(step).filter(({ live }) => live);
}

/** Of the beam that leads at a step, what follows its first `certain` tokens. */
export function leadAfter(tree: SearchTree, step: number, certain: number): string {
  const [first, ...others] = liveAt(tree, step);
  if (!first) return '';
  const best = others.reduce((lead, node) => (node.score > lead.score ? node : lead), first);
  return pathTo(best)
    .slice(certain)
    .map(({ text }) => text)
    .join('');
}

/** What had become of every node by a step: the better of what had become of those that follow it. */
export function fatesAt(tree: SearchTree, step: number): Map<TreeNode, Fate> {
  const fates = new Map<TreeNode, Fate>();
  const nodes = tree.upTo(step);
  for (const node of nodes) fates.set(node, 'dropped');
  const mark = (from: TreeNode, fate: Fate) => {
    for (let node: TreeNode | null = from; node && fates.get(node) !== fate; node = node.parent) {
      fates.set(node, fate);
    }
  };
  for (const node of nodes) if (node.finished !== null) mark(node, 'finished');
  for (const node of liveAt(tree, step)) mark(node, 'live');
  return fates;
}
