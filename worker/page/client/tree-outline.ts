/** @module The tree as nested lists of text, for who does not see it. */
import type { Layout, Run } from './tree-layout.ts';

export interface OutlineItem {
  readonly text: string;
  readonly children: readonly OutlineItem[];
}

/** What is drawn, in the same order, in words. */
export function outlineOf({ runs }: Layout, groups: boolean): OutlineItem[] {
  const following = Map.groupBy(runs, ({ nodes }) => nodes[0]?.parent ?? null);
  const itemOf = (run: Run): OutlineItem => ({
    text: describe(run, groups),
    children: (following.get(run.last) ?? []).map(itemOf),
  });
  return (following.get(null) ?? []).map(itemOf);
}

/** A run in words: its text, its steps, and what became of it. */
export function describe({ nodes, last, text, mark, fate }: Run, groups: boolean): string {
  const first = nodes[0]?.step ?? last.step;
  const steps = first === last.step ? `step ${first}` : `steps ${first} to ${last.step}`;
  const group = groups ? `, group ${last.group + 1}` : '';
  const score = mark.replace(/^ (■|×|#\d+)? ?/, '');
  const end = {
    live: score && `goes on with score ${score}`,
    finished: `finished${last.finished ? ` (${last.finished})` : ''} with score ${score}${
      last.rank === null ? '' : `, returned as text ${last.rank}`
    }`,
    dropped: 'dropped',
  }[fate];
  return `“${text.trim()}”, ${steps}${group}${mark && end ? `: ${end}` : ''}`;
}
