/** @module The packages as users install them: from tarballs, in empty folders, with a Node of their choice. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';
import { packPackages, type Tarballs } from '../../packages/pack.ts';
import { temporaryFolder } from '../support/checkpoints.ts';

const START_MILLISECONDS = 300_000;
const POLL_MILLISECONDS = 100;
const OUTPUT_BYTES = 1 << 26;

export type Folder = Awaited<ReturnType<typeof temporaryFolder>>;

let packed: Promise<Tarballs> | undefined;
let packs: Folder | undefined;

/** Both packages, packed once for all tests of a file. */
export function tarballs(): Promise<Tarballs> {
  packed ??= temporaryFolder().then((folder) => {
    packs = folder;
    return packPackages(folder.path);
  });
  return packed;
}

// Of each file that imports this one.
afterAll(() => packs?.[Symbol.asyncDispose]());

/** The environment of a user who has this Node, and whose npm asks and reports nothing. */
export function environmentOf(node: string): NodeJS.ProcessEnv {
  const foreign = /^npm_(?:config_|package_|lifecycle_|node_execpath|execpath|command)/;
  const own = Object.entries(process.env).filter(
    ([name]) => !foreign.test(name) || name === 'npm_config_registry',
  );
  return {
    ...Object.fromEntries(own),
    PATH: [dirname(node), process.env.PATH].join(delimiter),
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    WRANGLER_SEND_METRICS: 'false',
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  };
}

export interface Shell {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Runs a command line in a folder. @throws Error with its output */
export async function run(
  { folder, env }: Shell,
  command: string,
  ...args: readonly string[]
): Promise<string> {
  const options = { cwd: folder, env, maxBuffer: OUTPUT_BYTES, shell: process.platform === 'win32' };
  const { stdout } = await promisify(execFile)(command, [...args], options).catch((error) => {
    throw new Error(`${command} ${args.join(' ')}: ${error.stderr}${error.stdout}`, { cause: error });
  });
  return stdout;
}

/** The binary of a Node, installed from npm. */
export async function installNode(folder: string, version: string): Promise<string> {
  const shell = { folder, env: environmentOf(process.execPath) };
  await writeFile(join(folder, 'package.json'), '{}');
  await run(shell, 'npm', 'install', `node@${version}`);
  return join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/** The size of all files in a folder, in bytes. */
export async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Starts a server, and ends it with all of its processes when the block ends. */
export async function serve(
  { folder, env }: Shell,
  ready: string,
  command: string,
  ...args: readonly string[]
): Promise<AsyncDisposable & { readonly output: () => string }> {
  // With a group of its own, so that nothing is left behind.
  const child = spawn(command, [...args], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const deadline = Date.now() + START_MILLISECONDS;
  while (!output.includes(ready)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await end(child);
      throw new Error(`${command} ${args.join(' ')} did not say ${ready}: ${output}`);
    }
    await setTimeout(POLL_MILLISECONDS);
  }
  return { output: () => output, [Symbol.asyncDispose]: () => end(child) };
}

/** Asks the process to end, as Ctrl+C would, and its group too. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const closed = once(child, 'close');
  process.kill(-child.pid, 'SIGTERM');
  await closed;
}

/** Sends a completion to a server. */
export async function complete(url: string, body: object): Promise<string> {
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'Once upon a time', max_tokens: 8, num_beams: 4, ...body }),
  });
  const { choices } = (await response.json()) as { choices: { text: string }[] };
  return choices[0]?.text ?? '';
}

/** What four beams say after `Once upon a time`. */
export const EXPECTED = ', there was a little girl named Lily';
