/** @module `npm run deploy`: deploys the Worker to Cloudflare with the default or any converted model. */
import { Command } from 'commander';
import { commandLine } from '../../model-assets/cli/program.ts';
import { findAssetFaults } from './assets.ts';
import { addModelOptions, type ModelOptions, modelArguments, modelFolder, runWrangler } from './wrangler.ts';

const program = addModelOptions(
  new Command(commandLine('deploy')).description('Deploys the Worker with a converted model to Cloudflare.'),
)
  .option('--name <name>', "the Worker's name, so that each model has a Worker of its own")
  .argument('[wrangler...]', 'after --: more arguments for `wrangler deploy`, e.g. --dry-run or --env NAME')
  .parse();

interface Options extends ModelOptions {
  readonly name?: string;
}

await deploy(program.opts<Options>(), program.args);

async function deploy({ name, ...options }: Options, wranglerArguments: readonly string[]): Promise<void> {
  const folder = await modelFolder(options);
  const faults = await findAssetFaults(folder);
  if (faults.length > 0) {
    const list = faults.map((fault) => `  ${fault}\n`).join('');
    program.error(
      `${folder} cannot be deployed:\n${list}Convert the model again: see ${commandLine('convert')} --help`,
    );
  }
  // wrangler may prompt for a login.
  const nameArguments = name === undefined ? [] : ['--name', name];
  runWrangler(['deploy', ...modelArguments(folder, options), ...nameArguments, ...wranglerArguments], {
    stdio: 'inherit',
  });
}
