/**
 * @module `npm run evaluate -- DIR --reference DIR --text FILE`: compares two converted models on a text.
 */
import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option } from 'commander';
import type { CachePrecision } from '../../engine/cache/kv-pool.ts';
import { ModelFilesError } from '../../engine/model/errors.ts';
import { HeapExhaustedError } from '../../engine/runtime/errors.ts';
import { type Comparison, EvaluationError, evaluate, type ModelFigures } from '../evaluate.ts';
import { createCommand, runCommand, runWithProgress } from './command.ts';

interface Flags {
  reference: string;
  text: string;
  adapter?: string;
  cache?: CachePrecision;
  tokens?: number;
  window?: number;
}

function parseCount(minimum: number) {
  return (text: string): number => {
    const count = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(count) || count < minimum) {
      throw new InvalidArgumentError(`Expected an integer of at least ${minimum}.`);
    }
    return count;
  };
}

const command = createCommand('evaluate', 'Compares a converted model with another on a text.')
  .argument('<dir>', 'folder of the converted model to evaluate')
  .requiredOption('--reference <dir>', 'folder of the converted model to compare it with, e.g. in f32')
  .requiredOption('--text <file>', 'UTF-8 text to predict; special tokens such as <|endoftext|> are parsed')
  .option('--adapter <name>', 'one of the adapters of the evaluated model')
  .addOption(
    new Option(
      '--cache <precision>',
      'KV cache precision of the evaluated model; the reference uses f32 (default: f32)',
    ).choices(['f32', 'int8']),
  )
  .option('--tokens <n>', 'maximum number of tokens to read (default: all)', parseCount(2))
  .option('--window <n>', 'tokens per window (default: 256, or the context if smaller)', parseCount(1))
  .action((model: string, { reference, text, ...flags }: Flags) =>
    runWithProgress('evaluate', async ({ onProgress }, signal) =>
      tableOf(
        await evaluate({
          model,
          reference,
          text: await readFile(text, 'utf8'),
          ...flags,
          onProgress,
          signal,
        }),
      ),
    ),
  );

function tableOf(comparison: Comparison): string {
  const { model, reference, predictions, window, top1Agreement, divergence } = comparison;
  const change = model.perplexity / reference.perplexity - 1;
  return markdownTable([
    [`${predictions.toLocaleString('en')} tokens, windows of ${window}`, titleOf(model), titleOf(reference)],
    ['weights, bytes', model.weightBytes.toLocaleString('en'), reference.weightBytes.toLocaleString('en')],
    ['perplexity', model.perplexity.toFixed(4), reference.perplexity.toFixed(4)],
    ['change of perplexity', `${change < 0 ? '' : '+'}${(100 * change).toFixed(3)} %`, ''],
    ['same most likely token', `${(100 * top1Agreement).toFixed(2)} %`, ''],
    ['KL divergence, mean', `${divergence.mean.toExponential(2)} nats`, ''],
    ['KL divergence, 99th percentile', `${divergence.percentile99.toExponential(2)} nats`, ''],
    ['largest logit difference', comparison.largestLogitDifference.toFixed(4), ''],
  ]);
}

const titleOf = ({ name, precision }: ModelFigures) => `${name} ${precision}`;

/** A Markdown table with aligned columns: the first to the left, the others to the right. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const [header = []] = rows;
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => {
    const cells = widths.map((width, i) => (i === 0 ? row[i]?.padEnd(width) : row[i]?.padStart(width)));
    return `| ${cells.join(' | ')} |\n`;
  };
  const rule = widths.map((width, i) =>
    i === 0 ? `:${'-'.repeat(width - 1)}` : `${'-'.repeat(width - 1)}:`,
  );
  return [header, rule, ...rows.slice(1)].map(line).join('');
}

await runCommand(command, process.argv, [EvaluationError, ModelFilesError, HeapExhaustedError]);
