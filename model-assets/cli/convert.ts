/**
 * @module `npm run convert -- SOURCE`: converts a Hugging Face checkpoint, in a folder or on the hub, into a
 * folder that the Worker can serve.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Option } from 'commander';
import { CheckpointError } from '../checkpoint/interface/errors.ts';
import { type CalibrationText, convert } from '../convert/convert.ts';
import { checkFits, fittingPrecision } from '../convert/fitting-precision.ts';
import type { Manifest, ModelConfig, Precision } from '../format/manifest.ts';
import { parametersOf } from '../format/parameters.ts';
import { HubError } from '../hub/errors.ts';
import { createCommand, runCommand, runWithProgress } from './command.ts';
import { resolveSource } from './source.ts';

interface Flags {
  out?: string;
  revision?: string;
  base?: string;
  untie?: true;
  tokenizer?: string;
  tiedHead?: true;
  precision?: Precision;
  name?: string;
  calibration?: string;
  chatTemplate?: string;
}

const ENVIRONMENT = `
Environment variables of the hub:
  HF_TOKEN       token for private and gated models
  HF_ENDPOINT    address of the hub (default: https://huggingface.co)
  HF_HUB_CACHE   download cache, shared with Python's huggingface_hub
                 (default: $HF_HOME/hub; HF_HOME defaults to ~/.cache/huggingface)
  HF_HUB_OFFLINE 1: use the cache only, send no requests`;

const command = createCommand('convert', 'Converts a GPT-2 checkpoint into a folder that edgebeam can serve.')
  .argument(
    '<source>',
    'model id on the Hugging Face hub, e.g. openai-community/gpt2, or folder with config.json, ' +
      'model.safetensors or pytorch_model.bin, and vocab.json, merges.txt, or a LoRA adapter of peft, or a .gguf file, ' +
      'or the .pt of a training',
  )
  .option(
    '--out <dir>',
    'folder to write; replaces an existing edgebeam model (default: models/ and the name of the source)',
  )
  .option('--revision <revision>', 'branch, tag or commit of the model on the hub (default: main)')
  .option(
    '--base <source>',
    'base of a LoRA adapter: folder, file or model id (default: the model on the hub that the adapter names)',
  )
  .option('--untie', 'let a LoRA adapter of embedding or lm_head change that end alone: one more matrix')
  .option('--tokenizer <dir>', "folder with the tokenizer's files (default: those of the source)")
  .option('--tied-head', 'convert a classifier, which has no lm_head, with its embedding as lm_head')
  .addOption(
    new Option(
      '--precision <precision>',
      'precision of the large matrices (default: int8, or int4 if int8 is too large for an isolate)',
    ).choices(['int4', 'int8', 'f32']),
  )
  .option('--name <name>', "the model's id in the API (default: the name of the source)")
  .option(
    '--calibration <text>',
    'calibration text of int4: "self" (samples from the model), "none", or a UTF-8 file (default: self)',
  )
  .option('--chat-template <file>', 'chat template (Jinja) for the model, in place of its own if it has one')
  .addHelpText('after', ENVIRONMENT)
  .action((source: string, { out, revision, base, calibration, chatTemplate, ...flags }: Flags) =>
    runWithProgress('convert', async ({ onProgress, onWarning }, signal) => {
      const text = calibration === undefined ? undefined : await readCalibration(calibration, flags);
      const isPrecisionGiven = flags.precision !== undefined || text !== undefined;
      const checkConfig = isPrecisionGiven ? undefined : checkFitsAtBest;
      const { name, ...checkpoint } = await resolveSource(
        source,
        { revision, base, tokenizer: flags.tokenizer, checkConfig },
        signal,
      );
      const folder = out ?? join('models', name);
      const manifest = await convert({
        name,
        ...checkpoint,
        ...flags,
        ...(chatTemplate !== undefined && { chatTemplate: await readFile(chatTemplate, 'utf8') }),
        ...(text !== undefined && { precision: 'int4', calibration: text }),
        out: folder,
        onProgress,
        onWarning,
        signal,
      });
      return `${summaryOf(manifest)}${'folder'.padEnd(12)} ${folder}\n`;
    }),
  );

/** @throws CheckpointError for a model that fits an isolate at no precision */
function checkFitsAtBest(config: ModelConfig, name: string): void {
  checkFits(config, fittingPrecision(config), name);
}

async function readCalibration(calibration: string, { precision }: Flags): Promise<CalibrationText> {
  if (precision !== undefined && precision !== 'int4') {
    command.error(`error: option '--calibration <text>' requires --precision int4, not ${precision}`);
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
    ...(manifest.chat && { templates: Object.keys(manifest.chat.templates).join(', ') }),
    'worst error': worst
      ? `${(100 * worst.relative_rms_error).toFixed(2)} % RMS of ${worst.name}`
      : 'none, f32 is exact',
  };
  return Object.entries(rows)
    .map(([label, value]) => `${label.padEnd(12)} ${value}\n`)
    .join('');
}

await runCommand(command, process.argv, [CheckpointError, HubError]);
