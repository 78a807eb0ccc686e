/** @module How the process of `npm start` and `npm run deploy` ends: as wrangler does. */
import { afterEach, expect, it, vi } from 'vitest';
import { runWrangler } from '../../../../worker/dev/wrangler.ts';

/** In wrangler's place: a script, which is its first argument. */
vi.mock('../../../../worker/dev/project.ts', () => ({
  wranglerInvocation: ([script = '']: readonly string[]) => ({
    file: process.execPath,
    args: ['--eval', script],
    cwd: process.cwd(),
    env: process.env,
  }),
}));

afterEach(() => vi.restoreAllMocks());

it.each([
  ['with its exit code', 'process.exit(3)', 3],
  ['with an error if something else has killed it', 'process.kill(process.pid, "SIGKILL")', 1],
])('ends %s', async (_, script, code) => {
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as () => never);
  runWrangler([script], { stdio: 'ignore' });
  await expect.poll(() => exit.mock.calls[0], { timeout: 20_000 }).toEqual([code]);
});
