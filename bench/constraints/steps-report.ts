/** @module Formats what a constraint costs in a step, and in eight requests at the same time, as Markdown. */
import { median, milliseconds, percentile, table } from '../format.ts';
import type { ConcurrentSchemas } from './concurrent.ts';
import type { ConstrainedSteps } from './steps.ts';

export function reportConstrained(steps: readonly ConstrainedSteps[], concurrent: ConcurrentSchemas): string {
  return [
    '**A step with a JSON schema**, GPT-2 124M at int4, whole answers, in Node, ms; of all answers in turn:',
    stepsTable(steps),
    `**${concurrent.schemas} requests at the same time**, GPT-2 124M at int4, in workerd, ms:`,
    concurrentTable(concurrent),
  ].join('\n\n');
}

function stepsTable(steps: readonly ConstrainedSteps[]): string {
  const header = ['', 'without', 'with a schema', 'with / without', 'compilation, median', 'longest'];
  const rows = steps.map(({ name, without, constrained, compilations }) => [
    name,
    median(without).toFixed(2),
    median(constrained).toFixed(2),
    `${median(constrained.map((time, i) => time / (without[i] as number))).toFixed(3)} ×`,
    median(compilations).toFixed(2),
    Math.max(...compilations).toFixed(2),
  ]);
  return table(header, rows);
}

function concurrentTable({ without, constrained }: ConcurrentSchemas): string {
  const header = [
    ...['', 'tokens a second', 'between tokens, median', '99th percentile', 'first token, median', 'longest'],
  ];
  const rows = Object.entries({ without, 'a schema each': constrained }).map(
    ([name, { tokensPerSecond, gaps, firstTokens }]) => [
      name,
      milliseconds(median(tokensPerSecond)),
      milliseconds(median(gaps)),
      milliseconds(percentile(gaps, 99)),
      milliseconds(median(firstTokens)),
      milliseconds(Math.max(...firstTokens)),
    ],
  );
  return table(header, rows);
}
