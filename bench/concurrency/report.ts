/** @module Formats the results of concurrent requests as Markdown. */
import { median, milliseconds, percentile, table } from '../format.ts';
import { LONG_PROMPT } from './arrival.ts';
import type { Concurrency } from './measure.ts';
import { PREFIX } from './prefix.ts';

/** Captions and tables. */
export function concurrencyParts(results: readonly Concurrency[]): string[] {
  if (results.length === 0) return [];
  return [
    '**Concurrent streams from the Worker**, in workerd; between tokens in ms:',
    levelTable(results),
    `**One stream, alone and while prompts of ${LONG_PROMPT} tokens arrive**, in workerd, ms; a step is the median alone:`,
    arrivalTable(results),
    `**First token of a prompt with a cached prefix of ${PREFIX} tokens**, in workerd, ms:`,
    prefixTable(results),
  ];
}

function levelTable(results: readonly Concurrency[]): string {
  const header = ['', 'tokens a second', '× 1 stream', 'between tokens, median', '99th percentile'];
  const rows = results.flatMap(({ model, levels }) => {
    const rates = levels.map(({ tokensPerSecond }) => median(tokensPerSecond));
    return levels.map(({ streams, gaps }, i) => {
      const rate = rates[i] as number;
      return [
        `${model}: ${streams} ${streams === 1 ? 'stream' : 'streams'}`,
        milliseconds(rate),
        `${(rate / (rates[0] as number)).toFixed(2)} ×`,
        milliseconds(median(gaps)),
        milliseconds(percentile(gaps, 99)),
      ];
    });
  });
  return table(header, rows);
}

function arrivalTable(results: readonly Concurrency[]): string {
  const figures = ['median', '99th percentile', 'longest'];
  const header = [
    '',
    ...['alone', 'beside'].flatMap((where) => figures.map((figure) => `${where}: ${figure}`)),
    'beside: 99th percentile in steps',
    'first token of the prompt alone',
    'first token of the prompt beside',
  ];
  const rows = results.map(({ model, arrival: { alone, beside, promptAlone, promptBeside } }) => [
    model,
    ...[alone, beside].flatMap((gaps) => [
      milliseconds(median(gaps)),
      milliseconds(percentile(gaps, 99)),
      milliseconds(Math.max(...gaps)),
    ]),
    (percentile(beside, 99) / median(alone)).toFixed(2),
    milliseconds(median(promptAlone)),
    promptBeside.length > 0 ? milliseconds(median(promptBeside)) : '–',
  ]);
  return table(header, rows);
}

function prefixTable(results: readonly Concurrency[]): string {
  const header = [
    '',
    'uncached',
    'cached prefix',
    'cached / uncached',
    'cached tokens reported by the Worker',
  ];
  const rows = results.map(({ model, prefix: { shared, unseen, cachedTokens } }) => [
    model,
    milliseconds(median(unseen)),
    milliseconds(median(shared)),
    `${(median(shared) / median(unseen)).toFixed(2)} ×`,
    `${median(cachedTokens.unseen)} / ${median(cachedTokens.shared)}`,
  ]);
  return table(header, rows);
}
