/** @module How many tokens a constraint allowed in the places of a run's tokens, in figures and in words. */
import { cellWidth, toVisible } from './numbers.ts';
import type { TreeNode } from './search-tree.ts';

/** A figure above a token. Positions are in cells of the tree's text, from the beginning of the run. */
export interface AllowedLabel {
  readonly text: string;
  readonly at: number;
}

/** Width of a figure's character, in cells of the tree's text. */
const LABEL_CELL = 0.75;
const LABEL_GAP = 0.75;

/**
 * The figures of a run: above its first token, and above each one whose figure is another than the last one's, where
 * there is room.
 */
export function allowedLabels(nodes: readonly TreeNode[]): AllowedLabel[] {
  const labels: AllowedLabel[] = [];
  let at = 0;
  let free = 0;
  for (const { allowed, text } of nodes) {
    const label = allowed === null ? '' : rounded(allowed);
    if (label !== '' && label !== labels.at(-1)?.text && at >= free) {
      labels.push({ text: label, at });
      free = at + label.length * LABEL_CELL + LABEL_GAP;
    }
    at += cellWidth(toVisible(text));
  }
  return labels;
}

/** The node whose text has the character at an index of the run's visible text. */
export function nodeAt(nodes: readonly TreeNode[], index: number): TreeNode | undefined {
  let end = 0;
  return nodes.find(({ text }) => {
    end += toVisible(text).length;
    return index < end;
  });
}

/** What the constraint left for one token. */
export function describeAllowed({ allowed, text }: TreeNode): string {
  if (allowed === null) return '';
  const tokens =
    allowed === 1 ? 'the only token allowed there' : `one of ${grouped(allowed)} tokens allowed there`;
  return `“${toVisible(text)}”: ${tokens}`;
}

/** The same for all tokens of a run, for its line in the outline. */
export function listAllowed(nodes: readonly TreeNode[]): string {
  const counts = nodes.flatMap(({ allowed }) => allowed ?? []).map(grouped);
  return counts.length === 0 ? '' : `, tokens allowed: ${counts.join(' · ')}`;
}

const grouped = (count: number): string => count.toLocaleString('en');

/** With at most three digits. */
const rounded = (count: number): string => (count < 1000 ? String(count) : `${Math.round(count / 1000)}k`);
