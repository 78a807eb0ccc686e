/**
 * @module Positions of the drawn tree. Time runs from left to right: the children of a step's forks begin in
 * one column. A chain without forks is one run of text, independent of columns. Each run has a lane, a line
 * of text: the best child of a fork keeps its parent's lane, and lanes of ended runs are reused.
 *
 * A position never depends on later steps, so the drawing is stable while the tree grows and while the time
 * slider moves. One exception: a group of beams moves down when the group above it needs another lane.
 */
import { signed, toVisible } from './numbers.ts';
import { type NodeStatus, type SearchTree, statusesAt, type TreeNode } from './search-tree.ts';
import { type Chain, ColumnLayout, FINISHED_MARK_WIDTH } from './tree-columns.ts';

export interface Metrics {
  /** Width of a character in the tree's monospace font. */
  readonly cell: number;
  /** Line height. */
  readonly line: number;
  /** Width of the prompt's end, in cells. */
  readonly prompt: number;
}

/** A chain as drawn: its text and the mark behind it. */
export interface Run {
  readonly nodes: readonly TreeNode[];
  readonly last: TreeNode;
  readonly text: string;
  /** Shown behind the text: how it ended, or its score so far; empty at a fork. */
  readonly mark: string;
  readonly status: NodeStatus;
  /** Steps since its end. */
  readonly age: number;
  readonly x: number;
  /** The baseline of its text. */
  readonly y: number;
  /** Where its text ends. */
  readonly endX: number;
  /** The parent's end, and where the link leaves the parent's baseline. */
  readonly from: { readonly x: number; readonly y: number; readonly turnX: number };
}

/** The vertical extent of a group of beams. */
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

/** Left margin, in cells. */
const MARGIN = 1;
/** Position of the baseline in a lane, in line heights. */
const BASELINE = 0.8;

/** @param showDropped whether to include dropped nodes */
export function layoutTree(tree: SearchTree, step: number, metrics: Metrics, showDropped: boolean): Layout {
  const { cell, line } = metrics;
  const startX = (MARGIN + metrics.prompt) * cell;
  const statuses = statusesAt(tree, step);
  const isDrawn = (node: TreeNode) => node.step <= step && (showDropped || statuses.get(node) !== 'dropped');
  const columns = new ColumnLayout(cell, startX);
  for (let column = 1; column <= step; column++) columns.add(tree.nodesAt(column).filter(isDrawn));

  const bands = bandsOf(columns.lanes, line);
  // Groups have a line above them for their names.
  const nameLines = bands.length > 1 ? 1 : 0;
  const yOf = (group: number, lane: number) =>
    (bands[group]?.top ?? 0) + (nameLines + lane + BASELINE) * line;
  const root = { x: startX, y: yOf(0, 0) };
  const runOf = (chain: Chain): Run => {
    const { nodes, parent, x, endX, turnX, group, lane } = chain;
    const last = nodes.at(-1) as TreeNode;
    const status = statuses.get(last) ?? 'dropped';
    const from = parent ? { x: parent.endX, y: yOf(parent.group, parent.lane) } : root;
    return {
      ...{ nodes, last, status, x, endX },
      text: toVisible(nodes.map(({ text }) => text).join('')),
      mark: last.children.some(isDrawn) ? '' : markOf(last, status),
      age: step - last.step,
      y: yOf(group, lane),
      from: { ...from, turnX },
    };
  };
  const runs = columns.chains.map(runOf);
  const { top, height } = bands.at(-1) ?? { top: 0, height: line };
  return {
    ...{ runs, bands, root },
    width: Math.max(root.x, ...runs.map(({ endX }) => endX)) + FINISHED_MARK_WIDTH * cell,
    height: top + height,
  };
}

function bandsOf(lanes: readonly (readonly unknown[])[], line: number): Band[] {
  const bands: Band[] = [];
  for (const { length } of lanes) {
    const previous = bands.at(-1);
    const nameLines = lanes.length > 1 ? 1.1 : 0;
    bands.push({ top: previous ? previous.top + previous.height : 0, height: (length + nameLines) * line });
  }
  return bands;
}

function markOf({ score, rank, active }: TreeNode, status: NodeStatus): string {
  if (status === 'finished') return ` ${rank === null ? '■' : `#${rank}`} ${signed(score, 3)}`;
  if (status === 'active' && active) return ` ${signed(score)}`;
  return ' ×';
}
