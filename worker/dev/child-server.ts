/** @module Runs `npm start` as a child process, as a user would: it serves a model in workerd. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '..', '..');

export interface DevServer extends AsyncDisposable {
  readonly url: string;
  /** Its stdout and stderr so far. */
  readonly output: () => string;
}

/** @throws Error with its output if it exits before it listens */
export async function startDevServer(...args: readonly string[]): Promise<DevServer> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'start.ts'), '--port', String(port), ...args],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  while (!output.includes('edgebeam listens on')) {
    if (child.exitCode !== null) throw new Error(`npm start exited with code ${child.exitCode}: ${output}`);
    await setTimeout(50);
  }
  return {
    url: `http://localhost:${port}`,
    output: () => output,
    [Symbol.asyncDispose]: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string')
    throw new Error('the operating system assigned no port');
  return address.port;
}
