/** @module `npm run adapter -- SOURCE --model DIR`: adds a LoRA adapter of peft to a converted model. */
import { Option } from 'commander';
import { addAdapter, removeAdapter } from '../adapters/pack.ts';
import { CheckpointError } from '../checkpoint/interface/errors.ts';
import { ADAPTER_DTYPES, type AdapterDtype } from '../format/adapter.ts';
import type { AdapterEntry } from '../format/manifest.ts';
import { HubError } from '../hub/errors.ts';
import { createCommand, runCommand, runWithProgress } from './command.ts';
import { resolveAdapter } from './source.ts';

interface Flags {
  model: string;
  name?: string;
  revision?: string;
  dtype?: AdapterDtype;
  remove?: true;
}

const command = createCommand(
  'adapter',
  'Adds a LoRA adapter to a converted model. Requests name it; the base is loaded once for all adapters.',
)
  .argument('<source>', 'folder of a peft adapter, or its id on the Hugging Face hub; with --remove its name')
  .requiredOption('--model <dir>', 'folder of the converted base')
  .option('--name <name>', "the adapter's id in the API (default: the name of the source)")
  .option('--revision <revision>', 'branch, tag or commit of the adapter on the hub (default: main)')
  .addOption(
    new Option(
      '--dtype <dtype>',
      'type of the packed weights (default: float32 for a model in f32, else float16)',
    ).choices(ADAPTER_DTYPES),
  )
  .addOption(
    new Option('--remove', 'remove the adapter from the model').conflicts(['name', 'revision', 'dtype']),
  )
  .action((source: string, { model, name, revision, dtype, remove }: Flags) =>
    runWithProgress('adapter', async (_, signal) => {
      if (remove) {
        await removeAdapter(model, source);
        return `${source} removed from ${model}\n`;
      }
      const { source: folder, name: sourceName, hub } = await resolveAdapter(source, revision, signal);
      const entry = await addAdapter({
        source: folder,
        model,
        name: name ?? sourceName,
        dtype,
        ...(hub && { hub }),
      });
      return summaryOf(entry, model);
    }),
  );

function summaryOf({ name, rank, targets, dtype, file }: AdapterEntry, model: string): string {
  const rows = {
    name,
    rank: `${rank}, ${targets.join(', ')}`,
    file: `${file.path}, ${file.bytes.toLocaleString('en')} bytes in ${dtype}`,
    folder: model,
  };
  return Object.entries(rows)
    .map(([label, value]) => `${label.padEnd(12)} ${value}\n`)
    .join('');
}

await runCommand(command, process.argv, [CheckpointError, HubError]);
