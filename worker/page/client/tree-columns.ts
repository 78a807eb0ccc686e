/** @module Columns of steps and lanes of text, given out step by step: what `layOut` draws the tree in. */
import { cellsOf, visible } from './numbers.ts';
import type { TreeNode } from './search-tree.ts';

/** In cells: from a fork to what it forks into, and from a text's end to the fork. */
const LEAD = 1.5;
const GAP = 0.5;
/** What keeps a mark from what follows in its lane: that of a finished text, and the cross of a dropped one. */
export const FINISHED_MARK = 13;
const DROPPED_MARK = 3;

/** Nodes that follow each other without a fork: one run of text. */
export interface Chain {
  readonly nodes: TreeNode[];
  /** The one that it forks from; null: the prompt. */
  readonly before: Chain | null;
  readonly group: number;
  /** Number of its line among those of its group. */
  readonly lane: number;
  /** Where it leaves the line that it forks from, and where its text begins. */
  readonly turnX: number;
  readonly x: number;
  /** Where its text ends so far. */
  end: number;
}

interface Fork {
  readonly before: Chain | null;
  /** Best first. */
  readonly children: readonly TreeNode[];
}

export class Columns {
  readonly chains: Chain[] = [];
  /** By group, the last chain in each lane. */
  readonly lanes: Chain[][] = [];
  readonly #cell: number;
  readonly #chainOf = new Map<TreeNode, Chain>();
  #x: number;

  /** @param begin where the first step's column begins */
  constructor(cell: number, begin: number) {
    this.#cell = cell;
    this.#x = begin;
  }

  /** The nodes of the next step. */
  add(nodes: readonly TreeNode[]): void {
    const forks: Fork[] = [];
    for (const [parent, children] of Map.groupBy(nodes, (node) => node.parent)) {
      const before = (parent && this.#chainOf.get(parent)) ?? null;
      const [only] = children;
      if (before && only && children.length === 1) this.#extend(before, only);
      else forks.push({ before, children: children.toSorted(bestFirst) });
    }
    if (forks.length === 0) return;
    // What does not fork, and what ends, may reach beyond the column: it has its lane for itself.
    this.#x = Math.max(this.#x, ...forks.map(({ before }) => (before ? before.end + GAP * this.#cell : 0)));
    forks.sort((a, b) => (a.before?.lane ?? 0) - (b.before?.lane ?? 0));
    // The best of each first: they keep the lanes that they are in.
    for (const { before, children } of forks) {
      if (before && children[0]) this.#begin(children[0], before, before.lane);
    }
    for (const { before, children } of forks) {
      for (const child of before ? children.slice(1) : children) {
        this.#begin(child, before, this.#nearestFree(child, before?.lane ?? 0));
      }
    }
  }

  #extend(chain: Chain, node: TreeNode): void {
    chain.nodes.push(node);
    chain.end += cellsOf(visible(node.text)) * this.#cell;
    this.#chainOf.set(node, chain);
  }

  #begin(node: TreeNode, before: Chain | null, lane: number): void {
    const x = this.#x + LEAD * this.#cell;
    const chain = { nodes: [], before, group: node.group, lane, turnX: this.#x, x, end: x };
    this.#extend(chain, node);
    this.chains.push(chain);
    this.#lanesOf(node.group)[lane] = chain;
  }

  #lanesOf(group: number): Chain[] {
    while (this.lanes.length <= group) this.lanes.push([]);
    return this.lanes[group] as Chain[];
  }

  #nearestFree({ group, step }: TreeNode, to: number): number {
    const lanes = this.#lanesOf(group);
    const free = [...lanes.keys(), lanes.length].filter((lane) => this.#isFree(lanes[lane], step));
    return free.reduce((best, lane) => (Math.abs(lane - to) < Math.abs(best - to) ? lane : best), Infinity);
  }

  /** Whether the last in a lane has ended before the step, and its mark before the column. */
  #isFree(chain: Chain | undefined, step: number): boolean {
    const last = chain?.nodes.at(-1);
    if (!chain || !last) return true;
    if (last.step >= step) return false;
    const mark = last.finished === null ? DROPPED_MARK : FINISHED_MARK;
    return chain.end + mark * this.#cell <= this.#x + LEAD * this.#cell;
  }
}

/** A text that goes on before one that has ended, whose score is of another kind. */
function bestFirst(a: TreeNode, b: TreeNode): number {
  return Number(b.finished === null) - Number(a.finished === null) || b.score - a.score;
}
