/** @module Runs `npm start` as a child process, as a user would: it serves a model in workerd. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { freePort } from './ports.ts';

/** Longer than converting the embedded model and starting wrangler take on a busy machine. */
const START_MILLISECONDS = 120_000;
const STOP_MILLISECONDS = 30_000;
const POLL_INTERVAL_MILLISECONDS = 50;
const ROOT = join(import.meta.dirname, '..', '..');

export interface DevServer extends AsyncDisposable {
  readonly url: string;
  /** The process id of `npm start`; wrangler and workerd are its descendants. */
  readonly pid: number;
  /** Its stdout and stderr so far. */
  readonly output: () => string;
}

/** @throws Error with its output if it exits before it listens, or does not listen in two minutes */
export async function startDevServer(...args: readonly string[]): Promise<DevServer> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'start.ts'), '--port', String(port), ...args],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const { pid } = child;
  if (pid === undefined) throw new Error('npm start cannot be run');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const deadline = Date.now() + START_MILLISECONDS;
  while (!output.includes('edgebeam listens on')) {
    if (hasEnded(child)) throw new Error(`npm start exited with ${endOf(child)}: ${output}`);
    if (Date.now() > deadline) {
      await stop(child);
      throw new Error(`npm start did not listen within ${START_MILLISECONDS / 1000} s: ${output}`);
    }
    await setTimeout(POLL_INTERVAL_MILLISECONDS);
  }
  return {
    url: `http://localhost:${port}`,
    pid,
    output: () => output,
    [Symbol.asyncDispose]: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  child.kill('SIGTERM');
  // A wrangler whose workerd is busy may not end.
  const timer = globalThis.setTimeout(() => child.kill('SIGKILL'), STOP_MILLISECONDS);
  await once(child, 'exit');
  clearTimeout(timer);
}

/** Also if a signal ended it, which leaves no exit code. */
const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

const endOf = ({ exitCode, signalCode }: ChildProcess): string => signalCode ?? `code ${exitCode}`;
