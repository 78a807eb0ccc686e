/** @module Formats the results as Markdown. */
import { mebibytes, median, milliseconds, table } from '../format.ts';
import { describe, type Machine } from '../machine.ts';
import type { Agreement } from './agreement.ts';
import { EDGEBEAM_NODE } from './peers.ts';
import { BEAMS, type FirstRequest, PAST, type PeerResults, PROMPT, type WorkName } from './schedule.ts';

export interface PeersReport {
  readonly command: string;
  readonly machine: Machine;
  /** The machine's load average before and after the run, which reveals other work. */
  readonly load: readonly [before: number, after: number];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
  readonly agreements: Readonly<Record<string, Agreement>>;
  readonly results: readonly PeerResults[];
}

export function report({ command, machine, load, missing, agreements, results }: PeersReport): string {
  const [before, after] = load.map((average) => average.toFixed(1));
  return [
    `\`${command}\` on ${describe(machine)}. Load average ${before} before the run, ${after} after it.`,
    '**Settled**, ms; × is relative to edgebeam in Node:',
    settledTable(results, {
      greedy: 'greedy, a token',
      beams: `${BEAMS} beams, a step`,
      prompt: `first token, prompt of ${PROMPT}`,
    }),
    '**Bare forward pass**, without search, ms:',
    settledTable(results, { pass: `1 row after ${PAST}`, pass4: `${BEAMS} rows after ${PAST}` }),
    ...reasons(results),
    `**First request of a fresh process**, ms, medians of ${results[0]?.first.length ?? 0}:`,
    firstTable(results),
    '**Resident memory of the process that holds the model**, MiB:',
    memoryTable(results),
    '**Agreement** on the trained default model:',
    agreementTable(agreements),
    ...missing.map(({ name, reason }) => `Not measured: ${name}; ${reason}.`),
  ].join('\n\n');
}

const label = ({ name, precision }: PeerResults) => `${name}, ${precision}`;

/** The median; null for an unsupported workload. */
export function settledMedian({ settled }: PeerResults, work: WorkName): number | null {
  const figures = settled[work];
  return Array.isArray(figures) && figures.length > 0 ? median(figures) : null;
}

function settledTable(results: readonly PeerResults[], works: Partial<Record<WorkName, string>>): string {
  const names = Object.keys(works) as WorkName[];
  const reference = results.find(({ name }) => name === EDGEBEAM_NODE);
  const header = ['', ...Object.values(works).flatMap((work) => [work, '×'])];
  const rows = results.map((result) => [
    label(result),
    ...names.flatMap((work) => {
      const [own, peer] = [reference && settledMedian(reference, work), settledMedian(result, work)];
      return peer === null ? ['–', ''] : [milliseconds(peer), own ? (peer / own).toFixed(2) : ''];
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
  const lines = results.flatMap((result) =>
    Object.entries(result.settled).flatMap(([work, reason]) =>
      typeof reason === 'string' ? [`- ${label(result)}, ${WORK_NAMES[work as WorkName]}: ${reason}.`] : [],
    ),
  );
  return lines.length > 0 ? [`Missing figures:\n\n${lines.join('\n')}`] : [];
}

function firstTable(results: readonly PeerResults[]): string {
  const header = ['', 'start', 'load', `first token, prompt of ${PROMPT}`, 'sum', 'a token after it'];
  const rows = results.map((result) => {
    const medianOf = (pick: (first: FirstRequest) => number) => milliseconds(median(result.first.map(pick)));
    return [
      label(result),
      medianOf(({ startMilliseconds }) => startMilliseconds),
      medianOf(({ loadMilliseconds }) => loadMilliseconds),
      medianOf(({ firstMilliseconds }) => firstMilliseconds),
      medianOf((first) => first.startMilliseconds + first.loadMilliseconds + first.firstMilliseconds),
      medianOf(({ stepMilliseconds }) => stepMilliseconds),
    ];
  });
  return table(header, rows);
}

function memoryTable(results: readonly PeerResults[]): string {
  const header = ['', 'without a model', 'after greedy search', `after ${BEAMS} beams`, 'peak'];
  const rows = results.map((result) => {
    const { bare, after, peak } = result.memory;
    return [label(result), ...[bare, after.greedy, after.beams, peak].map(mebibytes)];
  });
  return table(header, rows);
}

function agreementTable(agreements: Readonly<Record<string, Agreement>>): string {
  const header = ['', 'next tokens equal to edgebeam at f32', `best of ${BEAMS} beams`];
  const rows = Object.entries(agreements).map(([name, { tokens, same, sameBeam }]) => [
    name,
    `${same} of ${tokens}`,
    sameBeam === null ? '–' : sameBeam ? 'same' : 'different',
  ]);
  return table(header, rows);
}
