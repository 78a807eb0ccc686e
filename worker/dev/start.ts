/** @module `npm start`: serves the Worker in workerd, locally, with the default or any converted model. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { commandLine } from '../../model-assets/cli/program.ts';
import { isPortInUse } from './ports.ts';
import {
  fail,
  type ModelOptions,
  modelArguments,
  modelFolder,
  positiveInteger,
  runWrangler,
  wranglerCommand,
} from './wrangler.ts';
import { READY_PROBE, relayOutput } from './wrangler-output.ts';

const POLL_INTERVAL_MILLISECONDS = 200;

interface Options extends ModelOptions {
  readonly port: number;
}

const program = wranglerCommand(
  'start',
  'Serves text from a converted model in workerd on this machine.',
  '`wrangler dev`',
)
  .option('--port <n>', 'port to listen on', positiveInteger, 8787)
  .parse();

await serve(program.opts<Options>(), program.args);

async function serve({ port, ...options }: Options, wranglerArguments: readonly string[]): Promise<void> {
  await refuseUsedPort(port);
  const folder = await modelFolder(options);
  if (!existsSync(join(folder, 'manifest.json'))) {
    fail(
      `${options.model} is not a converted model: it has no manifest.json. See ${commandLine('convert')} --help`,
    );
  }
  const isGiven = (name: string) =>
    wranglerArguments.some((argument) => argument === name || argument.startsWith(`${name}=`));
  const hasOwnLogLevel = isGiven('--log-level');
  const args = [
    'dev',
    '--port',
    String(port),
    '--show-interactive-dev-session=false',
    // At a lower level wrangler hides what the Worker logs.
    ...(hasOwnLogLevel ? [] : ['--log-level=log']),
    // wrangler looks for a free port and opens it seconds later, when another wrangler may have taken it.
    // For port 0 the system finds one.
    ...(isGiven('--inspector-port') ? [] : ['--inspector-port=0']),
  ];
  const wrangler = runWrangler([...args, ...modelArguments(folder, options), ...wranglerArguments], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
  });
  const started = relayOutput(wrangler, { all: hasOwnLogLevel, onAddressInUse: () => refuseUsedPort(port) });
  // Until wrangler itself says that it listens, another server may answer at this port.
  if (!hasOwnLogLevel) await started;
  const url = `http://localhost:${port}`;
  while (!(await isHealthy(url))) await setTimeout(POLL_INTERVAL_MILLISECONDS);
  console.log(`
edgebeam listens on ${url}. Try it:

  curl -N ${url}/v1/completions -H 'content-type: application/json' \\
    -d '{"prompt": "Once upon a time", "max_tokens": 100, "temperature": 0.8, "stream": true}'
`);
}

async function isHealthy(url: string): Promise<boolean> {
  const headers = { 'x-request-id': READY_PROBE };
  const response = await fetch(`${url}/health`, { headers }).catch(() => null);
  return response?.ok ?? false;
}

/** Ends this process, and says what to do, if the port is in use. */
async function refuseUsedPort(port: number): Promise<void> {
  if (!(await isPortInUse(port))) return;
  fail(
    `Port ${port} is in use, perhaps by another edgebeam. Choose another one: ${commandLine('start')} --port ${port + 1}`,
  );
}
