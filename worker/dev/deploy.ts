/** @module `npm run deploy`: deploys the Worker to Cloudflare with the default or any converted model. */
import { Command } from 'commander';
import { commandLine } from '../../model-assets/cli/program.ts';
import { findAssetFaults } from './assets.ts';
import { addModelOptions, type ModelOptions, modelArguments, modelFolder, runWrangler } from './wrangler.ts';

const program = addModelOptions(
  new Command(commandLine('deploy')).description('Deploys the Worker with a converted model to Cloudflare.'),
)
  .argument('[wrangler...]', 'after --: more arguments for `wrangler deploy`, e.g. --dry-run or --name NAME')
  .parse();

await deploy(program.opts<ModelOptions>(), program.args);

async function deploy(options: ModelOptions, wranglerArguments: readonly string[]): Promise<void> {
  const folder = await modelFolder(options);
  const faults = await findAssetFaults(folder);
  if (faults.length > 0) {
    const list = faults.map((fault) => `  ${fault}\n`).join('');
    program.error(
      `${folder} cannot be deployed:\n${list}Convert the model again: see ${commandLine('convert')} --help`,
    );
  }
  // wrangler may prompt for a login.
  runWrangler(['deploy', ...modelArguments(folder, options), ...wranglerArguments], { stdio: 'inherit' });
}
