/**
 * @module `npm run synthesize -- --preset gpt2 --out DIR`: a random checkpoint with the size of a published GPT-2.
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
  .addOption(new Option('--preset <preset>', 'size').choices(Object.keys(PRESETS)).makeOptionMandatory())
  .requiredOption('--out <dir>', 'folder to write; a synthesized checkpoint that is there is replaced')
  .option('--seed <integer>', 'of the random weights and vocabulary', parseSeed, 0)
  .addOption(new Option('--dtype <type>', 'of the stored weights').choices(['F16', 'F32']).default('F16'))
  .action((flags: Flags) =>
    runWithProgress('synthesize', async ({ onProgress }, signal) => {
      const { parameters, bytes } = await synthesize({ ...flags, onProgress, signal });
      return `${flags.preset}: ${parameters.toLocaleString('en')} parameters, ${bytes.toLocaleString('en')} bytes as ${flags.dtype}\n`;
    }),
  );

await runCommand(command);
