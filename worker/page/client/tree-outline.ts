/** @module The tree as nested lists of text, for screen readers. */
import { listAllowed } from './allowed.ts';
import type { Layout, Run } from './tree-layout.ts';

export interface OutlineItem {
  readonly text: string;
  readonly children: readonly OutlineItem[];
}

/** The drawn runs, in the same order. */
export function outlineOf({ runs }: Layout, hasGroups: boolean): OutlineItem[] {
  const childrenOf = Map.groupBy(runs, ({ nodes }) => nodes[0]?.parent ?? null);
  const itemOf = (run: Run): OutlineItem => ({
    text: describeRun(run, hasGroups) + listAllowed(run.nodes),
    children: (childrenOf.get(run.last) ?? []).map(itemOf),
  });
  return (childrenOf.get(null) ?? []).map(itemOf);
}

/** A run in words: its text, its steps, and its outcome. */
export function describeRun({ nodes, last, text, mark, status }: Run, hasGroups: boolean): string {
  const first = nodes[0]?.step ?? last.step;
  const steps = first === last.step ? `step ${first}` : `steps ${first} to ${last.step}`;
  const group = hasGroups ? `, group ${last.group + 1}` : '';
  const score = mark.replace(/^ (\u25a0|×|#\d+)? ?/, '');
  const outcome = {
    active: score && `active with score ${score}`,
    finished: `finished${last.finished ? ` (${last.finished})` : ''} with score ${score}${
      last.rank === null ? '' : `, returned as text ${last.rank}`
    }`,
    dropped: 'dropped',
  }[status];
  return `“${text.trim()}”, ${steps}${group}${mark && outcome ? `: ${outcome}` : ''}`;
}
