/** @module Formats the figures of constraints as Markdown. */
import { table } from '../format.ts';
import type { ConstraintFigures, Refusal } from './measure.ts';

const SHOWN_NAMES = 20;

export function reportConstraints(results: readonly ConstraintFigures[]): string {
  const [primary] = results;
  if (!primary) return '';
  return [
    `**JSON schemas, ${primary.schemas} with instances, GPT-2's vocabulary**:`,
    verdicts(results),
    '**Masks**, µs, and **compilation**, ms:',
    times(results),
    '**Refused at compile, by keyword**:',
    refusals(primary.refused),
    `Valid rejected: ${names(primary.validRejected)}.`,
    `Invalid accepted: ${names(primary.invalidAccepted)}.`,
  ].join('\n\n');
}

function verdicts(results: readonly ConstraintFigures[]): string {
  const header = ['order of keys', 'passing', '', 'refused', 'valid rejected', 'invalid accepted'];
  const rows = results.map(({ keyOrder, schemas, passing, refused, validRejected, invalidAccepted }) => [
    keyOrder,
    String(passing),
    `${((100 * passing) / schemas).toFixed(1)} %`,
    String(refused.length),
    String(validRejected.length),
    String(invalidAccepted.length),
  ]);
  return table(header, rows);
}

function times(results: readonly ConstraintFigures[]): string {
  const header = [
    ...['order of keys', 'masks', 'mean', 'p50', 'p90', 'p99', 'max'],
    ...['compile p50', 'p99', 'max', 'heap growth, MB'],
  ];
  const rows = results.map(({ keyOrder, masks, compilations, heapGrowth }) => [
    keyOrder,
    String(masks.length),
    (masks.reduce((sum, time) => sum + time, 0) / masks.length).toFixed(1),
    ...[0.5, 0.9, 0.99, 1].map((share) => quantile(masks, share).toFixed(1)),
    ...[0.5, 0.99, 1].map((share) => quantile(compilations, share).toFixed(2)),
    (heapGrowth / 1e6).toFixed(2),
  ]);
  return table(header, rows);
}

function refusals(refused: readonly Refusal[]): string {
  const counts = new Map<string, number>();
  for (const refusal of refused) {
    const key = keywordOf(refusal);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  return table(
    ['keyword', 'schemas'],
    sorted.map(([keyword, count]) => [keyword, String(count)]),
  );
}

/** The keyword that a message names first, else the message. */
function keywordOf({ message }: Refusal): string {
  return /^"([^"]+)"/.exec(message)?.[1] ?? message.replaceAll(/\d+/g, 'n').slice(0, 60);
}

/** @param sorted ascending */
function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function names(list: readonly string[]): string {
  if (list.length === 0) return 'none';
  const more = list.length > SHOWN_NAMES ? `, and ${list.length - SHOWN_NAMES} more` : '';
  return `${list.slice(0, SHOWN_NAMES).join(', ')}${more}`;
}
