/** @module Assigns the tree's chains to columns (x, by step) and lanes (y), for `layoutTree`. */
import { cellWidth, toVisible } from './numbers.ts';
import type { TreeNode } from './search-tree.ts';

/** Widths in cells: from a fork to its children's texts, and from the end of a text to the fork. */
const FORK_WIDTH = 1.5;
const GAP = 0.5;
/** Space in cells behind a text for its mark: with a final score, or only a cross. */
export const FINISHED_MARK_WIDTH = 13;
const DROPPED_MARK_WIDTH = 3;

/** Consecutive nodes without a fork, drawn as one run of text. */
export interface Chain {
  readonly nodes: TreeNode[];
  /** The chain that this one forks from; null: the prompt. */
  readonly parent: Chain | null;
  readonly group: number;
  /** Index of its line of text within its group. */
  readonly lane: number;
  /** Where its link leaves the parent's lane. */
  readonly turnX: number;
  /** Where its text begins. */
  readonly x: number;
  /** Where its text ends so far. */
  endX: number;
}

interface Fork {
  readonly parent: Chain | null;
  /** Best first. */
  readonly children: readonly TreeNode[];
}

export class ColumnLayout {
  readonly chains: Chain[] = [];
  /** By group, the last chain in each lane. */
  readonly lanes: Chain[][] = [];
  readonly #cell: number;
  readonly #chainOf = new Map<TreeNode, Chain>();
  #columnX: number;

  /** @param startX where the first step's column begins */
  constructor(cell: number, startX: number) {
    this.#cell = cell;
    this.#columnX = startX;
  }

  /** Adds the nodes of the next step: extends chains, and starts new ones at forks. */
  add(nodes: readonly TreeNode[]): void {
    const forks: Fork[] = [];
    for (const [parentNode, children] of Map.groupBy(nodes, (node) => node.parent)) {
      const parent = (parentNode && this.#chainOf.get(parentNode)) ?? null;
      const [onlyChild] = children;
      if (parent && onlyChild && children.length === 1) this.#extend(parent, onlyChild);
      else forks.push({ parent, children: children.toSorted(bestFirst) });
    }
    if (forks.length === 0) return;
    // Only forking chains move the column. Other chains may extend beyond it, alone in their lanes.
    const forkXs = forks.map(({ parent }) => (parent ? parent.endX + GAP * this.#cell : 0));
    this.#columnX = Math.max(this.#columnX, ...forkXs);
    forks.sort((a, b) => (a.parent?.lane ?? 0) - (b.parent?.lane ?? 0));
    // The best children first: they keep the lanes of their parents.
    for (const { parent, children } of forks) {
      if (parent && children[0]) this.#startChain(children[0], parent, parent.lane);
    }
    for (const { parent, children } of forks) {
      for (const child of parent ? children.slice(1) : children) {
        this.#startChain(child, parent, this.#nearestFreeLane(child, parent?.lane ?? 0));
      }
    }
  }

  #extend(chain: Chain, node: TreeNode): void {
    chain.nodes.push(node);
    chain.endX += cellWidth(toVisible(node.text)) * this.#cell;
    this.#chainOf.set(node, chain);
  }

  #startChain(node: TreeNode, parent: Chain | null, lane: number): void {
    const x = this.#columnX + FORK_WIDTH * this.#cell;
    const chain = { nodes: [], parent, group: node.group, lane, turnX: this.#columnX, x, endX: x };
    this.#extend(chain, node);
    this.chains.push(chain);
    this.#lanesOf(node.group)[lane] = chain;
  }

  #lanesOf(group: number): Chain[] {
    while (this.lanes.length <= group) this.lanes.push([]);
    return this.lanes[group] as Chain[];
  }

  #nearestFreeLane({ group, step }: TreeNode, target: number): number {
    const lanes = this.#lanesOf(group);
    const free = [...lanes.keys(), lanes.length].filter((lane) => this.#isFree(lanes[lane], step));
    const distance = (lane: number) => Math.abs(lane - target);
    return free.reduce((nearest, lane) => (distance(lane) < distance(nearest) ? lane : nearest), Infinity);
  }

  /** Whether a lane's last chain ended before the step, and its mark ends before the column. */
  #isFree(lastChain: Chain | undefined, step: number): boolean {
    const lastNode = lastChain?.nodes.at(-1);
    if (!lastChain || !lastNode) return true;
    if (lastNode.step >= step) return false;
    const markWidth = lastNode.finished === null ? DROPPED_MARK_WIDTH : FINISHED_MARK_WIDTH;
    return lastChain.endX + markWidth * this.#cell <= this.#columnX + FORK_WIDTH * this.#cell;
  }
}

/** Active nodes before finished ones: a final score is divided by a length, so the two are not comparable. */
function bestFirst(a: TreeNode, b: TreeNode): number {
  return Number(b.finished === null) - Number(a.finished === null) || b.score - a.score;
}
