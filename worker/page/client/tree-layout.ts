/**
 * @module Where everything of the tree is drawn. Time goes from left to right: what a step forks into begins in a column of
 * that step. A chain without forks is one run of text, which needs no columns. Each run has a lane, a line of text: the
 * best of what a run forks into keeps its lane, and a lane that nothing has any more is free for others.
 *
 * Where something is drawn depends on nothing that comes after it: a tree that grows keeps its place, and so it does when one
 * goes back in time. Only a group of beams gives way when the one above it takes another lane.
 */
import { signed, visible } from './numbers.ts';
import { type Fate, fatesAt, type SearchTree, type TreeNode } from './search-tree.ts';
import { type Chain, Columns, FINISHED_MARK } from './tree-columns.ts';

export interface Metrics {
  /** Width of a character of the tree's font, which has one for all. */
  readonly cell: number;
  /** From one line of text to the next. */
  readonly line: number;
  /** Room for the end of the prompt, in characters. */
  readonly prompt: number;
}

/** A chain of nodes as it is drawn: a text, and what stands behind it. */
export interface Run {
  readonly nodes: readonly TreeNode[];
  readonly last: TreeNode;
  readonly text: string;
  /** Behind its end: how it ended, or its score so far; empty where it forks. */
  readonly mark: string;
  readonly fate: Fate;
  /** Steps since its end. */
  readonly age: number;
  readonly x: number;
  /** Of the line that its text stands on. */
  readonly y: number;
  /** Where its text ends. */
  readonly end: number;
  /** The end of what it forks from, and where the way to it leaves that line. */
  readonly from: { readonly x: number; readonly y: number; readonly turnX: number };
}

/** Of a group of beams. */
export interface Band {
  readonly top: number;
  readonly height: number;
}

export interface Layout {
  readonly runs: readonly Run[];
  readonly bands: readonly Band[];
  /** Where the prompt ends. */
  readonly root: { readonly x: number; readonly y: number };
  readonly width: number;
  readonly height: number;
}

/** Left of everything, in cells. */
const MARGIN = 1;
/** Where in a lane its line is: the text stands on it. */
const BASE = 0.8;

/** @param dropped whether what was dropped is drawn as well */
export function layOut(tree: SearchTree, step: number, metrics: Metrics, dropped: boolean): Layout {
  const { cell, line } = metrics;
  const begin = (MARGIN + metrics.prompt) * cell;
  const fates = fatesAt(tree, step);
  const isDrawn = (node: TreeNode) => node.step <= step && (dropped || fates.get(node) !== 'dropped');
  const columns = new Columns(cell, begin);
  for (let one = 1; one <= step; one++) columns.add(tree.at(one).filter(isDrawn));

  const bands = bandsOf(columns.lanes, line);
  // Groups have their names above them.
  const names = bands.length > 1 ? 1 : 0;
  const yOf = (group: number, lane: number) => (bands[group]?.top ?? 0) + (names + lane + BASE) * line;
  const root = { x: begin, y: yOf(0, 0) };
  const runOf = (chain: Chain): Run => {
    const { nodes, before, x, end, turnX, group, lane } = chain;
    const last = nodes.at(-1) as TreeNode;
    const fate = fates.get(last) ?? 'dropped';
    const from = before ? { x: before.end, y: yOf(before.group, before.lane) } : root;
    return {
      ...{ nodes, last, fate, x, end },
      text: visible(nodes.map(({ text }) => text).join('')),
      mark: last.children.some(isDrawn) ? '' : markOf(last, fate),
      age: step - last.step,
      y: yOf(group, lane),
      from: { ...from, turnX },
    };
  };
  const runs = columns.chains.map(runOf);
  const { top, height } = bands.at(-1) ?? { top: 0, height: line };
  return {
    ...{ runs, bands, root },
    width: Math.max(root.x, ...runs.map(({ end }) => end)) + FINISHED_MARK * cell,
    height: top + height,
  };
}

function bandsOf(lanes: readonly (readonly unknown[])[], line: number): Band[] {
  const bands: Band[] = [];
  for (const { length } of lanes) {
    const before = bands.at(-1);
    const names = lanes.length > 1 ? 1.1 : 0;
    bands.push({ top: before ? before.top + before.height : 0, height: (length + names) * line });
  }
  return bands;
}

function markOf({ score, rank, live }: TreeNode, fate: Fate): string {
  if (fate === 'finished') return ` ${rank === null ? '■' : `#${rank}`} ${signed(score, 3)}`;
  if (fate === 'live' && live) return ` ${signed(score)}`;
  return ' ×';
}
