/** @module `npm run deploy`: deploys the Worker to Cloudflare with the default or any converted model. */
import { commandLine } from '../../model-assets/cli/program.ts';
import { findAssetFaults } from './assets.ts';
import {
  fail,
  type ModelOptions,
  modelArguments,
  modelFolder,
  runWrangler,
  wranglerCommand,
} from './wrangler.ts';

const program = wranglerCommand(
  'deploy',
  'Deploys the Worker with a converted model to Cloudflare.',
  '`wrangler deploy`, e.g. --env NAME',
)
  .option('--name <name>', "the Worker's name, so that each model has a Worker of its own")
  .option('--dry-run', 'do everything but the upload')
  .parse();

interface Options extends ModelOptions {
  readonly name?: string;
  readonly dryRun?: true;
}

await deploy(program.opts<Options>(), program.args);

async function deploy(
  { name, dryRun, ...options }: Options,
  wranglerArguments: readonly string[],
): Promise<void> {
  const folder = await modelFolder(options);
  const faults = await findAssetFaults(folder);
  if (faults.length > 0) {
    const list = faults.map((fault) => `  ${fault}\n`).join('');
    fail(
      `${folder} cannot be deployed:\n${list}Convert the model again: see ${commandLine('convert')} --help`,
    );
  }
  const own = [
    ...modelArguments(folder, options),
    ...(name === undefined ? [] : ['--name', name]),
    ...(dryRun ? ['--dry-run'] : []),
  ];
  // wrangler may prompt for a login.
  runWrangler(['deploy', ...own, ...wranglerArguments], { stdio: 'inherit' });
}
