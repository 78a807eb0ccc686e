/** @module The results as Markdown. */
import { mebibytes, median, milliseconds, table } from '../format.ts';
import { describe, type Machine } from '../machine.ts';
import type { Agreement } from './agreement.ts';
import { OURS } from './peers.ts';
import { BEAMS, type FirstRequest, PAST, type PeerResults, PROMPT, type WorkName } from './schedule.ts';

export interface PeersReport {
  readonly command: string;
  readonly machine: Machine;
  /** Of the machine before and after: a busy one is to be seen. */
  readonly load: readonly [before: number, after: number];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
  readonly agreements: Readonly<Record<string, Agreement>>;
  readonly results: readonly PeerResults[];
}

export function report({ command, machine, load, missing, agreements, results }: PeersReport): string {
  const [before, after] = load.map((average) => average.toFixed(1));
  return [
    `\`${command}\` on ${describe(machine)}. Load average ${before} before the run, ${after} after it.`,
    '**Settled**, ms; how many times as long as edgebeam in Node takes:',
    settledTable(results, {
      greedy: 'greedy, a token',
      beams: `${BEAMS} beams, a step`,
      prompt: `first token, prompt of ${PROMPT}`,
    }),
    '**Bare forward pass**, without any search, ms:',
    settledTable(results, { pass: `1 row after ${PAST}`, pass4: `${BEAMS} rows after ${PAST}` }),
    ...reasons(results),
    `**First request of a fresh process**, ms, medians of ${results[0]?.first.length ?? 0}:`,
    firstTable(results),
    '**Resident memory of the process that has the model**, MiB:',
    memoryTable(results),
    '**The same model?** On the trained default model:',
    agreementTable(agreements),
    ...missing.map(({ name, reason }) => `Not measured: ${name}; ${reason}.`),
  ].join('\n\n');
}

const label = ({ name, precision }: PeerResults) => `${name}, ${precision}`;

/** The median; null for what was refused. */
export function settledMedian({ settled }: PeerResults, work: WorkName): number | null {
  const figures = settled[work];
  return Array.isArray(figures) && figures.length > 0 ? median(figures) : null;
}

function settledTable(results: readonly PeerResults[], works: Partial<Record<WorkName, string>>): string {
  const names = Object.keys(works) as WorkName[];
  const ours = results.find(({ name }) => name === OURS);
  const header = ['', ...Object.values(works).flatMap((work) => [work, '×'])];
  const rows = results.map((result) => [
    label(result),
    ...names.flatMap((work) => {
      const [mine, theirs] = [ours && settledMedian(ours, work), settledMedian(result, work)];
      return theirs === null ? ['–', ''] : [milliseconds(theirs), mine ? (theirs / mine).toFixed(2) : ''];
    }),
  ]);
  return table(header, rows);
}

const WORK_NAMES: Record<WorkName, string> = {
  greedy: 'greedy search',
  beams: `${BEAMS} beams`,
  prompt: 'a prompt',
  pass: 'a bare pass',
  pass4: `a bare pass of ${BEAMS} rows`,
};

function reasons(results: readonly PeerResults[]): string[] {
  const lines = results.flatMap(({ name, settled }) =>
    Object.entries(settled).flatMap(([work, reason]) =>
      typeof reason === 'string' ? [`- ${name}, ${WORK_NAMES[work as WorkName]}: ${reason}.`] : [],
    ),
  );
  return lines.length > 0 ? [`Where there is no figure:\n\n${lines.join('\n')}`] : [];
}

function firstTable(results: readonly PeerResults[]): string {
  const header = ['', 'start', 'load', `first token, prompt of ${PROMPT}`, 'sum', 'a token after it'];
  const rows = results.map((result) => {
    const of = (pick: (first: FirstRequest) => number) => milliseconds(median(result.first.map(pick)));
    return [
      label(result),
      of(({ startMilliseconds }) => startMilliseconds),
      of(({ loadMilliseconds }) => loadMilliseconds),
      of(({ firstMilliseconds }) => firstMilliseconds),
      of((first) => first.startMilliseconds + first.loadMilliseconds + first.firstMilliseconds),
      of(({ stepMilliseconds }) => stepMilliseconds),
    ];
  });
  return table(header, rows);
}

function memoryTable(results: readonly PeerResults[]): string {
  const header = ['', 'before a model', 'after greedy search', `after ${BEAMS} beams`, 'peak'];
  const rows = results.map((result) => {
    const { bare, after, peak } = result.memory;
    return [label(result), ...[bare, after.greedy, after.beams, peak].map(mebibytes)];
  });
  return table(header, rows);
}

function agreementTable(agreements: Readonly<Record<string, Agreement>>): string {
  const header = ['', 'next tokens as edgebeam at f32', `best of ${BEAMS} beams`];
  const rows = Object.entries(agreements).map(([name, { tokens, same, sameBeam }]) => [
    name,
    `${same} of ${tokens}`,
    sameBeam === null ? '–' : sameBeam ? 'the same' : 'another',
  ]);
  return table(header, rows);
}
