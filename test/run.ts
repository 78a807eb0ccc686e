/**
 * @module `npm test`: two runs of vitest side by side. The unit tests keep one core busy, the tests that talk to a server
 * the other.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import convertModels from './support/global-setup.ts';

const VITEST = join(import.meta.dirname, '..', 'node_modules', 'vitest', 'vitest.mjs');
const SERVED = ['workerd', 'e2e', 'clients', 'page', 'load'];

// Before the runs, which would both do it.
await convertModels();

const unit = run(['unit'], 'inherit');
const served = run(SERVED, 'pipe');
// The output of the second run follows that of the first.
let output = '';
for (const stream of [served.stdout, served.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk));
const codes = await Promise.all([unit, served].map(exitCodeOf));
process.stdout.write(output);
process.exitCode = Math.max(...codes);

function run(projects: readonly string[], stdio: 'inherit' | 'pipe'): ChildProcess {
  const args = projects.flatMap((project) => ['--project', project]);
  return spawn(process.execPath, [VITEST, 'run', ...args], { stdio: ['ignore', stdio, stdio] });
}

async function exitCodeOf(child: ChildProcess): Promise<number> {
  const [code] = await once(child, 'exit');
  return code ?? 1;
}
