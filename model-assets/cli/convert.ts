/**
 * @module `npm run convert -- SOURCE --out DIR`: a Hugging Face checkpoint → a folder the Worker can serve.
 */
import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import { parametersOf } from '../checkpoint/parameters.ts';
import { type CalibrationText, convert } from '../convert.ts';
import type { Manifest, Precision } from '../manifest.ts';
import { createCommand, runCommand, runWithProgress } from './command.ts';

interface Flags {
  out: string;
  precision: Precision;
  name?: string;
  calibration?: string;
}

const command = createCommand('convert', 'Converts a GPT-2 checkpoint into a folder that edgebeam can serve.')
  .argument(
    '<source>',
    'folder in Hugging Face format: config.json, model.safetensors, vocab.json, merges.txt',
  )
  .requiredOption('--out <dir>', 'folder to write; an edgebeam model that is there is replaced')
  .addOption(
    new Option('--precision <precision>', 'of the large matrices')
      .choices(['int4', 'int8', 'f32'])
      .default('int8'),
  )
  .option('--name <name>', 'id the model is served under (default: the name of the source folder)')
  .option(
    '--calibration <text>',
    'what int4 chooses its codes by: "self", a text the model writes, "none", or a UTF-8 file (default: self)',
  )
  .action((source: string, { calibration, ...flags }: Flags) =>
    runWithProgress('convert', async ({ onProgress }, signal) =>
      summaryOf(
        await convert({
          source,
          ...flags,
          ...(calibration !== undefined && { calibration: await textOf(calibration, flags.precision) }),
          onProgress,
          signal,
        }),
      ),
    ),
  );

async function textOf(calibration: string, precision: Precision): Promise<CalibrationText> {
  if (precision !== 'int4') {
    command.error(`error: option '--calibration <text>' is for --precision int4, not ${precision}`);
  }
  if (calibration === 'self' || calibration === 'none') return calibration;
  return { text: await readFile(calibration, 'utf8') };
}

function summaryOf(manifest: Manifest): string {
  const { name, precision, shards, graphs, config, quantization } = manifest;
  const parameters = parametersOf(config).reduce(
    (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  );
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const worst = [...quantization].sort((a, b) => b.relative_rms_error - a.relative_rms_error)[0];
  const rows = {
    name,
    parameters: parameters.toLocaleString('en'),
    precision,
    weights: `${bytes.toLocaleString('en')} bytes in ${shards.length} shard${shards.length === 1 ? '' : 's'}`,
    files: `manifest.json, tokenizer.bin, ${Object.values(graphs)
      .map(({ path }) => path)
      .join(', ')}, weights-*.bin`,
    'worst error': worst
      ? `${(100 * worst.relative_rms_error).toFixed(2)} % RMS of ${worst.name}`
      : 'none, f32 is exact',
  };
  return Object.entries(rows)
    .map(([label, value]) => `${label.padEnd(12)} ${value}\n`)
    .join('');
}

await runCommand(command);
