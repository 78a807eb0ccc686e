/**
 * @module `npm test`: three runs of vitest side by side, so that both cores are busy while a test waits for its server.
 * The first prints as it goes; the output of each other run follows when that run is done.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import convertModels from './support/global-setup.ts';

const VITEST = join(import.meta.dirname, '..', 'node_modules', 'vitest', 'vitest.mjs');
/** The arguments of each run. Unit tests are most of the work; of the last, one file takes as long as the others together. */
const RUNS = [
  ['--project=unit', '--maxWorkers=2'],
  ['--project=workerd', '--project=clients', '--project=page', '--project=load'],
  ['--project=e2e', '--maxWorkers=2'],
];

// Before the runs, all of which would do it.
await convertModels();
const codes = await Promise.all(RUNS.map(run));
process.exitCode = Math.max(...codes);

async function run(args: readonly string[], index: number): Promise<number> {
  const stdio = index === 0 ? 'inherit' : 'pipe';
  const child: ChildProcess = spawn(process.execPath, [VITEST, 'run', ...args], {
    stdio: ['ignore', stdio, stdio],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  }
  const [code] = await once(child, 'close');
  process.stdout.write(output);
  return code ?? 1;
}
