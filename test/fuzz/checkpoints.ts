/**
 * @module `node test/fuzz/checkpoints.ts FOLDER`: converts and runs the checkpoints of a folder that
 * `test/golden/make-checkpoints-golden.py --random` wrote, and compares each with its golden. Exit code 1 if one differs.
 */
import { Command } from 'commander';
import { CheckpointError } from '../../model-assets/checkpoint/interface/errors.ts';
import { temporaryFolder } from '../support/checkpoints.ts';
import { GoldenRunner } from '../support/golden-checkpoints.ts';
import { GOLDEN_CHECKPOINTS, goldenNames } from '../support/golden-files.ts';

const SHOWN = 3;

const command = new Command('node test/fuzz/checkpoints.ts')
  .description('Compares converted checkpoints with their goldens.')
  .argument('[folder]', 'goldens and checkpoints', GOLDEN_CHECKPOINTS)
  .option('--only <start>', 'checkpoints whose names start so', '')
  .option('--show <count>', 'differences shown of each checkpoint', Number, SHOWN)
  .parse();
const [folder = GOLDEN_CHECKPOINTS] = command.processedArgs as string[];
const { only, show } = command.opts<{ only: string; show: number }>();

const runner = await GoldenRunner.open(folder);
const names = (await goldenNames(folder)).filter((name) => name.startsWith(only));
let equal = 0;
for (const name of names) {
  await using work = await temporaryFolder();
  const differences = await runner.differences(name, work.path).catch((error: Error) => [describe(error)]);
  if (differences.length === 0) equal++;
  else console.log(`${name}: ${differences.length}\n${shorten(differences)}`);
}
console.log(`${equal} of ${names.length} checkpoints are equal`);
process.exitCode = equal === names.length ? 0 : 1;

function describe(error: Error): string {
  return error instanceof CheckpointError ? `refused: ${error.message}` : `${error.stack}`;
}

function shorten(differences: readonly string[]): string {
  return differences
    .slice(0, show)
    .map((line) => `  ${line.slice(0, 600)}`)
    .join('\n');
}
