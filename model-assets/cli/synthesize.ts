/**
 * @module `npm run synthesize -- --preset gpt2 --out DIR`: writes a random checkpoint of the size of a
 * published GPT-2.
 */
import { InvalidArgumentError, Option } from 'commander';
import { PRESETS, type Preset, type SynthesizeOptions, synthesize } from '../synthesize/synthesize.ts';
import { createCommand, runCommand, runWithProgress } from './command.ts';

interface Flags extends Required<Pick<SynthesizeOptions, 'seed' | 'dtype'>> {
  preset: Preset;
  out: string;
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed >= 2 ** 32)
    throw new InvalidArgumentError('Expected an integer from 0 to 4294967295.');
  return seed;
}

const command = createCommand('synthesize', 'Writes a random GPT-2 checkpoint in Hugging Face format.')
  .addOption(
    new Option('--preset <preset>', 'model size').choices(Object.keys(PRESETS)).makeOptionMandatory(),
  )
  .requiredOption('--out <dir>', 'folder to write; replaces an existing synthesized checkpoint')
  .option('--seed <integer>', 'seed of the random weights and vocabulary', parseSeed, 0)
  .addOption(
    new Option('--dtype <type>', 'storage type of the weights').choices(['F16', 'F32']).default('F16'),
  )
  .action((flags: Flags) =>
    runWithProgress('synthesize', async ({ onProgress }, signal) => {
      const { parameters, bytes } = await synthesize({ ...flags, onProgress, signal });
      const counts = [`${parameters.toLocaleString('en')} parameters`, `${bytes.toLocaleString('en')} bytes`];
      return `${flags.preset}: ${counts.join(', ')} as ${flags.dtype}\n`;
    }),
  );

await runCommand(command);
