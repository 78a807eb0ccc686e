/**
 * @module `npm run convert -- SOURCE`: a Hugging Face checkpoint, in a folder or on the hub → a folder the Worker can
 * serve.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Option } from 'commander';
import { CheckpointError } from '../checkpoint/errors.ts';
import { parametersOf } from '../checkpoint/parameters.ts';
import { type CalibrationText, convert } from '../convert/convert.ts';
import type { Manifest, Precision } from '../format/manifest.ts';
import { HubError } from '../hub/errors.ts';
import { createCommand, runCommand, runWithProgress } from './command.ts';
import { openSource } from './source.ts';

interface Flags {
  out?: string;
  revision?: string;
  precision?: Precision;
  name?: string;
  calibration?: string;
}

const ENVIRONMENT = `
Environment of the hub:
  HF_TOKEN       token for private and gated models
  HF_ENDPOINT    another hub (default: https://huggingface.co)
  HF_HUB_CACHE   folder of what was downloaded, shared with Python's huggingface_hub
                 (default: hub/ in HF_HOME, which is ~/.cache/huggingface by default)
  HF_HUB_OFFLINE 1: take what is there, ask nobody`;

const command = createCommand('convert', 'Converts a GPT-2 checkpoint into a folder that edgebeam can serve.')
  .argument(
    '<source>',
    'model of the Hugging Face hub, e.g. openai-community/gpt2, or folder in its format: config.json, model.safetensors, vocab.json, merges.txt',
  )
  .option(
    '--out <dir>',
    'folder to write; an edgebeam model that is there is replaced (default: models/ and the name of the source)',
  )
  .option('--revision <revision>', 'branch, tag or commit of the model on the hub (default: main)')
  .addOption(
    new Option(
      '--precision <precision>',
      'of the large matrices (default: int8, or int4 where that is too large for an isolate)',
    ).choices(['int4', 'int8', 'f32']),
  )
  .option('--name <name>', 'id the model is served under (default: the name of the source)')
  .option(
    '--calibration <text>',
    'what int4 chooses its codes by: "self", a text the model writes, "none", or a UTF-8 file (default: self)',
  )
  .addHelpText('after', ENVIRONMENT)
  .action((source: string, { out, revision, calibration, ...flags }: Flags) =>
    runWithProgress('convert', async ({ onProgress }, signal) => {
      const text = calibration === undefined ? undefined : await textOf(calibration, flags);
      const { name, ...checkpoint } = await openSource(source, revision, signal);
      const folder = out ?? join('models', name);
      const manifest = await convert({
        name,
        ...checkpoint,
        ...flags,
        ...(text !== undefined && { precision: 'int4', calibration: text }),
        out: folder,
        onProgress,
        signal,
      });
      return `${summaryOf(manifest)}${'folder'.padEnd(12)} ${folder}
`;
    }),
  );

async function textOf(calibration: string, { precision }: Flags): Promise<CalibrationText> {
  if (precision !== undefined && precision !== 'int4') {
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

await runCommand(command, process.argv, [CheckpointError, HubError]);
