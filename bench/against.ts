/**
 * @module `npm run bench:against -- FOLDER`: this checkout against another one, two real Workers in turn over
 * HTTP. The other folder is a worktree of any commit, with its own `node_modules`; each side makes its own
 * models.
 */
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import type { DevServer, startDevServer } from '../worker/dev/child-server.ts';
import { median, milliseconds, table } from './format.ts';
import { describe, describeMachine } from './machine.ts';
import { INT4_MODEL } from './models.ts';

interface Workload {
  readonly name: string;
  /** Undefined: the default model. */
  readonly model?: 'gpt2';
  /** Requests that run at the same time. `seed` differs from call to call, so that no prefix is cached. */
  requests(seed: number): readonly object[];
}

const prompt = (length: number, seed: number) =>
  Array.from({ length }, (_, i) => ((i + 1) * 7919 + seed * 104_729) % 5000);
const greedy = { temperature: 0, ignore_eos: true };

const WORKLOADS: readonly Workload[] = [
  {
    name: 'greedy, 64 tokens after 32',
    model: 'gpt2',
    requests: (seed) => [{ ...greedy, prompt: prompt(32, seed), max_tokens: 64 }],
  },
  {
    name: '4 beams, 48 tokens after 32',
    model: 'gpt2',
    requests: (seed) => [{ ...greedy, prompt: prompt(32, seed), max_tokens: 48, num_beams: 4 }],
  },
  {
    name: '8 streams at once, 32 tokens after 16',
    model: 'gpt2',
    requests: (seed) =>
      Array.from({ length: 8 }, (_, i) => ({
        ...greedy,
        prompt: prompt(16, 8 * seed + i),
        max_tokens: 32,
        stream: true,
      })),
  },
  {
    name: 'first token of a prompt of 400',
    model: 'gpt2',
    requests: (seed) => [{ ...greedy, prompt: prompt(400, seed), max_tokens: 1 }],
  },
  {
    name: 'default model, greedy, 200 tokens',
    requests: (seed) => [{ ...greedy, prompt: prompt(8, seed), max_tokens: 200 }],
  },
];

const ROOT = join(import.meta.dirname, '..');
const WARM_UPS = 4;

interface Options {
  readonly calls: string;
}

const command = new Command('npm run bench:against --')
  .description('Times this checkout and another one in turn, over HTTP.')
  .argument('<folder>', 'the other checkout')
  .option('--calls <count>', 'measured calls of each workload and side', '15')
  .parse();

await run(resolve(command.args[0] as string), Number(command.opts<Options>().calls));

async function run(other: string, calls: number): Promise<void> {
  console.log(`${describe(await describeMachine())}\n`);
  const rows: string[][] = [];
  for (const model of ['gpt2', undefined] as const) {
    await using mine = await start(ROOT, model);
    await using theirs = await start(other, model);
    for (const workload of WORKLOADS) {
      if (workload.model !== model) continue;
      const times: [number[], number[]] = [[], []];
      for (let i = 0; i < WARM_UPS + calls; i++) {
        for (const [side, server] of [theirs, mine].entries()) {
          const elapsed = await timeRequests(server.url, workload.requests(i));
          if (i >= WARM_UPS) times[side]?.push(elapsed);
        }
      }
      const [before, now] = times.map(median) as [number, number];
      const cells = [workload.name, milliseconds(before), milliseconds(now), (now / before).toFixed(2)];
      rows.push(cells);
      console.error(cells.join('  '));
    }
  }
  console.log(table(['ms, medians', 'other checkout', 'this one', 'ratio'], rows));
}

/** Starts the server of a checkout, with its own code and its own model. */
async function start(root: string, model: Workload['model']): Promise<DevServer> {
  const load = (path: string) => import(pathToFileURL(join(root, path)).href);
  const { startDevServer: startThere }: { startDevServer: typeof startDevServer } = await load(
    'worker/dev/child-server.ts',
  );
  if (!model) return startThere();
  const { ensureInt4Model } = await load('bench/models.ts');
  await ensureInt4Model();
  return startThere('--model', join(root, relative(ROOT, INT4_MODEL)));
}

/** Sends the requests together and reads the answers to their ends. */
async function timeRequests(url: string, requests: readonly object[]): Promise<number> {
  const begin = performance.now();
  await Promise.all(
    requests.map(async (request) => {
      const response = await fetch(`${url}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${response.status}: ${text}`);
    }),
  );
  return performance.now() - begin;
}
