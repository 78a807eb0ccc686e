/** @module `npm start`: serves the Worker in workerd, locally, with the default or any converted model. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Command } from 'commander';
import {
  addModelOptions,
  type ModelOptions,
  modelArguments,
  modelFolder,
  positiveInteger,
  runWrangler,
} from './wrangler.ts';

const POLL_INTERVAL_MILLISECONDS = 200;

interface Options extends ModelOptions {
  readonly port: number;
}

const program = addModelOptions(
  new Command('npm start --').description('Serves text from a converted model in workerd on this machine.'),
)
  .option('--port <n>', 'port to listen on', positiveInteger, 8787)
  .argument('[wrangler...]', 'after --: more arguments for `wrangler dev`')
  .parse();

await serve(program.opts<Options>(), program.args);

async function serve({ port, ...options }: Options, wranglerArguments: readonly string[]): Promise<void> {
  const folder = await modelFolder(options);
  if (!existsSync(join(folder, 'manifest.json'))) {
    program.error(
      `${options.model} is not a converted model: it has no manifest.json. See npm run convert -- --help`,
    );
  }
  const args = ['dev', '--port', String(port), '--show-interactive-dev-session=false', '--log-level=warn'];
  runWrangler([...args, ...modelArguments(folder, options), ...wranglerArguments], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
  });
  const url = `http://localhost:${port}`;
  while (!(await isHealthy(url))) await setTimeout(POLL_INTERVAL_MILLISECONDS);
  console.log(`
edgebeam listens on ${url}. Try it:

  curl -N ${url}/v1/completions -H 'content-type: application/json' \\
    -d '{"prompt": "Once upon a time", "max_tokens": 100, "temperature": 0.8, "stream": true}'
`);
}

async function isHealthy(url: string): Promise<boolean> {
  const response = await fetch(`${url}/health`).catch(() => null);
  return response?.ok ?? false;
}
