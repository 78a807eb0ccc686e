/** @module `npm start`: the Worker on this machine, in workerd, with the default model or any converted one. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { createProgress } from '../../model-assets/cli/progress.ts';
import { DEFAULT_CHECKPOINT, DEFAULT_MODEL, ensureModel } from '../../model-assets/ensure.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const LOOK_EVERY_MILLISECONDS = 200;

interface Options {
  readonly model?: string;
  readonly port: number;
  readonly heap?: number;
}

const program = new Command('npm start --')
  .description('Serves text from a converted model in workerd on this machine.')
  .option('--model <dir>', 'a model made by `npm run convert` (default: the embedded one)')
  .option('--port <n>', 'port to listen on', wholeNumber, 8787)
  .option(
    '--heap <mib>',
    "the WebAssembly heap's maximum; an isolate of Cloudflare's has 128 MB in all",
    wholeNumber,
  )
  .argument('[wrangler...]', 'after --: more arguments for `wrangler dev`')
  .parse();

await serve(program.opts<Options>(), program.args);

async function serve({ model, port, heap }: Options, more: readonly string[]): Promise<void> {
  const folder = model ? resolve(model) : await defaultModel();
  if (!existsSync(join(folder, 'manifest.json'))) {
    program.error(
      `${model} is not a converted model: it has no manifest.json. See npm run convert -- --help`,
    );
  }
  const args = ['dev', '--port', String(port), '--assets', folder, '--show-interactive-dev-session=false'];
  if (heap !== undefined) args.push('--var', `HEAP_MIB:${heap}`);
  const wrangler = spawn(
    join(ROOT, 'node_modules', '.bin', 'wrangler'),
    [...args, '--log-level=warn', ...more],
    {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
      shell: process.platform === 'win32',
    },
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => wrangler.kill(signal));
  wrangler.on('exit', (code, signal) => process.exit(signal ? 0 : (code ?? 1)));
  const address = `http://localhost:${port}`;
  while (!(await isUp(address))) await setTimeout(LOOK_EVERY_MILLISECONDS);
  console.log(`
edgebeam listens on ${address}. Try it:

  curl -N ${address}/v1/completions -H 'content-type: application/json' \\
    -d '{"prompt": "Once upon a time", "max_tokens": 100, "temperature": 0.8, "stream": true}'
`);
}

async function defaultModel(): Promise<string> {
  const { onProgress, stop } = createProgress('converting the default model');
  try {
    await ensureModel({ source: DEFAULT_CHECKPOINT, out: DEFAULT_MODEL, precision: 'int8', onProgress });
  } finally {
    stop();
  }
  return DEFAULT_MODEL;
}

async function isUp(address: string): Promise<boolean> {
  const response = await fetch(`${address}/health`).catch(() => null);
  return response?.ok ?? false;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0)
    throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}
