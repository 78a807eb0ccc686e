/**
 * @module The tree of a search, built step by step from the API's events. A node is one token; branches share
 * the nodes of a common prefix. Nodes are never removed, so the tree at any earlier step can be derived.
 */
import type { Beam } from './api.ts';

export interface TreeNode {
  /** null: the node follows the prompt. */
  readonly parent: TreeNode | null;
  readonly children: TreeNode[];
  /** Number of tokens from the prompt to this node, inclusive. */
  readonly step: number;
  /** Beam group of diverse beam search. */
  readonly group: number;
  readonly text: string;
  /** The token's contribution to the score. */
  readonly logprob: number;
  /** Number of tokens that the constraint allowed in its place; null without a constraint, and for samples. */
  readonly allowed: number | null;
  /** Active beam: sum of token scores. Finished beam: its final score. Sample: sum of log-probabilities. */
  score: number;
  /** Whether it was continued after its step. */
  active: boolean;
  /** Reason for which it finished. */
  finished: string | null;
  /** Rank among the returned texts: 1 is the best. */
  rank: number | null;
  /** Number of samples that share it; 1 for a beam. */
  branches: number;
}

/** After a step: on the path of an active beam or sample, else of a finished one, else of none. */
export type NodeStatus = 'active' | 'finished' | 'dropped';

export class SearchTree {
  readonly #steps: TreeNode[][] = [];
  /** Active beams after the last step, by index. */
  #activeBeams: readonly TreeNode[] = [];
  /** The last node of each sample. */
  readonly #sampleEnds = new Map<number, TreeNode>();

  get steps(): number {
    return this.#steps.length;
  }

  /** Whether its tokens say how many were allowed. */
  get isConstrained(): boolean {
    return this.nodesAt(1).some(({ allowed }) => allowed !== null);
  }

  /** The nodes of one step. */
  nodesAt(step: number): readonly TreeNode[] {
    return this.#steps[step - 1] ?? [];
  }

  /** The nodes of all steps up to `step`, inclusive. */
  nodesUpTo(step: number): readonly TreeNode[] {
    return this.#steps.slice(0, step).flat();
  }

  /** Adds a step of beam search; `parent` is the `index` of a beam in the previous step. */
  addBeams(step: number, beams: readonly Beam[]): void {
    const activeBeams: TreeNode[] = [];
    for (const { group, index, text, parent, logprob, score, finished, allowed = null } of beams) {
      const parentNode = step === 1 ? null : (this.#activeBeams[parent] ?? null);
      const node = this.#add(parentNode, { step, group, text, logprob, score, allowed });
      node.branches = 1;
      node.active = index !== null;
      node.finished = finished;
      if (index !== null) activeBeams[index] = node;
    }
    this.#activeBeams = activeBeams;
  }

  /** Adds the next token of a sample. Samples share the nodes of a common prefix. */
  addToken(sample: number, text: string, logprob: number): void {
    const parent = this.#sampleEnds.get(sample) ?? null;
    const siblings = parent ? parent.children : this.nodesAt(1);
    const step = (parent?.step ?? 0) + 1;
    const score = (parent?.score ?? 0) + logprob;
    const node =
      siblings.find((sibling) => sibling.text === text) ??
      this.#add(parent, { step, group: 0, text, logprob, score, allowed: null });
    node.branches++;
    this.#sampleEnds.set(sample, node);
  }

  finishSample(sample: number, reason: string): void {
    const last = this.#sampleEnds.get(sample);
    if (!last) return;
    last.active = false;
    last.finished = reason;
  }

  /** Ranks the finished nodes that were returned, by the returned texts' scores, best first. */
  rankReturned(scores: readonly number[]): void {
    const finished = this.nodesUpTo(this.steps).filter(({ finished }) => finished !== null);
    for (const [i, score] of scores.entries()) {
      const node = finished.find((candidate) => candidate.score === score && candidate.rank === null);
      if (node) node.rank = i + 1;
    }
  }

  #add(
    parent: TreeNode | null,
    fields: Pick<TreeNode, 'step' | 'group' | 'text' | 'logprob' | 'score' | 'allowed'>,
  ): TreeNode {
    const node: TreeNode = {
      ...fields,
      parent,
      children: [],
      active: true,
      finished: null,
      rank: null,
      branches: 0,
    };
    parent?.children.push(node);
    if (fields.step > this.#steps.length) this.#steps.push([]);
    this.#steps[fields.step - 1]?.push(node);
    return node;
  }
}

/** The nodes from the first token to `node`, inclusive. */
export function pathTo(node: TreeNode): TreeNode[] {
  const path: TreeNode[] = [];
  for (let current: TreeNode | null = node; current; current = current.parent) path.unshift(current);
  return path;
}

/** The nodes of a step that were continued after it. */
export function activeAt(tree: SearchTree, step: number): TreeNode[] {
  return tree.nodesAt(step).filter(({ active }) => active);
}

/** The text of the best active beam after a step, without its first `certainTokens` tokens. */
export function leadingText(tree: SearchTree, step: number, certainTokens: number): string {
  const [first, ...others] = activeAt(tree, step);
  if (!first) return '';
  const best = others.reduce((leader, node) => (node.score > leader.score ? node : leader), first);
  return pathTo(best)
    .slice(certainTokens)
    .map(({ text }) => text)
    .join('');
}

/** The status of every node after a step: active if any descendant is, else finished if any is. */
export function statusesAt(tree: SearchTree, step: number): Map<TreeNode, NodeStatus> {
  const statuses = new Map<TreeNode, NodeStatus>();
  const nodes = tree.nodesUpTo(step);
  for (const node of nodes) statuses.set(node, 'dropped');
  const markPath = (end: TreeNode, status: NodeStatus) => {
    for (let node: TreeNode | null = end; node && statuses.get(node) !== status; node = node.parent) {
      statuses.set(node, status);
    }
  };
  for (const node of nodes) if (node.finished !== null) markPath(node, 'finished');
  for (const node of activeAt(tree, step)) markPath(node, 'active');
  return statuses;
}
