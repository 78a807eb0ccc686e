/** @module Formats the results as Markdown. */
import type { Breakdown } from './breakdown.ts';
import type { ColdStart } from './cold-start.ts';
import type { Concurrency } from './concurrency/measure.ts';
import { concurrencyParts } from './concurrency/report.ts';
import { SIDES, type SideName } from './contestant.ts';
import type { DecodingShare } from './decoding.ts';
import { mebibytes, median, milliseconds, table } from './format.ts';
import { describe, type Machine } from './machine.ts';
import type { Measurement, Settled } from './measure.ts';
import { PAST, PROMPT, type Timing, type Work } from './side.ts';

export interface Results {
  readonly command: string;
  readonly machine: Machine;
  readonly measurements: readonly Measurement[];
  readonly breakdown: readonly Breakdown[];
  readonly decoding: readonly DecodingShare[];
  readonly coldStarts: readonly ColdStart[];
  readonly concurrency: readonly Concurrency[];
}

export function report(results: Results): string {
  const { command, machine, measurements, breakdown, decoding, coldStarts, concurrency } = results;
  const parts = [
    `\`${command}\` on ${describe(machine)}.`,
    ...measurements.flatMap(({ place, settled }) => [`**Settled, ${place}**, ms:`, settledTable(settled)]),
  ];
  if (measurements.length > 0) {
    parts.push('**First request of a fresh process**, ms:', firstTable(measurements));
    parts.push('**Memory**, MiB:', memoryTable(measurements));
  }
  if (breakdown.length > 0) {
    parts.push('**Where the time of a pass goes**, int4, in Node, ms:', breakdownTable(breakdown));
    parts.push('**How far a pass is from its limits**, int4, in Node, ms:', limitsTable(breakdown));
  }
  if (decoding.length > 0) {
    parts.push('**Share of decoding in a step**, in Node, ms:', decodingTable(decoding));
  }
  if (coldStarts.length > 0) {
    parts.push('**Cold start: first byte of a streamed completion from the Worker**, in workerd:');
    parts.push(coldTable(coldStarts));
  }
  parts.push(...concurrencyParts(concurrency));
  return `${parts.join('\n\n')}\n`;
}

function settledTable(settled: readonly Settled[]): string {
  const header = [
    ...['', 'edgebeam int4', 'edgebeam int8', 'usual: run', 'usual: reorder', 'usual: sum'],
    ...['int4 / int8', 'usual / int8', 'usual / int4'],
  ];
  const rows = settled.map(({ work, timings: { int4, int8, usual } }) => {
    const [int4Median, int8Median, usualMedian] = [int4, int8, usual].map((timings) =>
      median(timings.map(total)),
    ) as [number, number, number];
    return [
      workName(work),
      milliseconds(int4Median),
      milliseconds(int8Median),
      milliseconds(median(usual.map(({ run }) => run))),
      milliseconds(median(usual.map(({ reorder }) => reorder))),
      milliseconds(usualMedian),
      ...[int4Median / int8Median, usualMedian / int8Median, usualMedian / int4Median].map(
        (ratio) => `${ratio.toFixed(2)} ×`,
      ),
    ];
  });
  return table(header, rows);
}

function firstTable(measurements: readonly Measurement[]): string {
  const columns = ['load', `prompt of ${PROMPT}`, 'step'];
  const header = ['', ...SIDES.flatMap((side) => columns.map((column) => `${sideName(side)}: ${column}`))];
  const rows = measurements.map(({ place, first }) => [
    place,
    ...SIDES.flatMap((side) => [
      milliseconds(median(first[side].map(({ loadMilliseconds }) => loadMilliseconds))),
      milliseconds(median(first[side].map(({ prefill }) => total(prefill)))),
      milliseconds(median(first[side].map(({ step }) => total(step)))),
    ]),
  ]);
  return table(header, rows);
}

function memoryTable(measurements: readonly Measurement[]): string {
  const places = measurements.map(({ place }) => place);
  const header = ['', ...places.flatMap((place) => SIDES.map((side) => `${sideName(side)}, ${place}`))];
  const works = measurements[0]?.settled.map(({ work }) => work) ?? [];
  const cells = (pick: (measurement: Measurement, side: SideName) => number | null | undefined) =>
    measurements.flatMap((measurement) => SIDES.map((side) => mebibytes(pick(measurement, side))));
  return table(header, [
    ...works.map((work, i) => [
      `resident, peak of: ${workName(work)}`,
      ...cells(({ settled }, side) => settled[i]?.peakBytes[side]),
    ]),
    ['resident, overall peak, V8 optimization included', ...cells(({ peakBytes }, side) => peakBytes[side])],
    [
      'resident before any model is loaded',
      ...measurements.flatMap(({ bareBytes }) => SIDES.map(() => mebibytes(bareBytes))),
    ],
    ['of which WebAssembly heap', ...cells(({ settled }, side) => settled.at(-1)?.heapBytes[side])],
  ]);
}

function breakdownTable(breakdown: readonly Breakdown[]): string {
  const names = Object.keys(breakdown[0]?.parts ?? {});
  const rows = breakdown.map(({ rows, parts, whole }) => {
    const times = Object.values(parts);
    const rest = whole - times.reduce((sum, time) => sum + time, 0);
    return [passName(rows), ...[...times, rest, whole].map((time) => time.toFixed(2))];
  });
  return table(['', ...names, 'rest', 'whole'], rows);
}

function limitsTable(breakdown: readonly Breakdown[]): string {
  const header = ['', 'reading the weights once', 'products alone', 'whole', 'whole / larger limit'];
  const rows = breakdown.map(({ rows, reading, products, whole }) => [
    passName(rows),
    reading.toFixed(2),
    products?.toFixed(2) ?? '–',
    whole.toFixed(2),
    `${(whole / Math.max(reading, products ?? 0)).toFixed(2)} ×`,
  ]);
  return table(header, rows);
}

function decodingTable(shares: readonly DecodingShare[]): string {
  const header = [
    ...['', 'decoding', 'with copies'],
    ...['pass at int8', 'decoding / pass', 'pass at int4', 'decoding / pass'],
  ];
  const rows = shares.map(({ name, decoding, copying, int8, int4 }) => {
    const decodingTime = median(decoding);
    const passCells = [int8, int4].flatMap((pass) => {
      const passTime = median(pass);
      return [milliseconds(passTime), `${((100 * decodingTime) / passTime).toFixed(1)} %`];
    });
    return [name, decodingTime.toFixed(2), median(copying).toFixed(2), ...passCells];
  });
  return table(header, rows);
}

function coldTable(coldStarts: readonly ColdStart[]): string {
  const header = ['', 'first byte, ms', 'first byte of the second request, ms', 'resident peak, MiB'];
  const rows = coldStarts.map((cold) => [
    cold.model,
    milliseconds(median(cold.firstByteMilliseconds)),
    milliseconds(median(cold.secondRequestMilliseconds)),
    mebibytes(cold.peakBytes[0]),
  ]);
  return table(header, rows);
}

const sideName = (side: SideName) => (side === 'usual' ? 'usual' : `edgebeam ${side}`);

const passName = (rows: number) => workName(rows === PROMPT ? { kind: 'prefill' } : { kind: 'step', rows });

function workName(work: Work): string {
  if (work.kind === 'prefill') return `prompt of ${PROMPT} tokens`;
  return `step, ${work.rows} ${work.rows === 1 ? 'row' : 'rows'} after ${PAST}`;
}

const total = ({ run, reorder }: Timing) => run + reorder;
