/** @module A thousand requests, of which a third are left: every answer is right, and all that was held is given back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { totalOf } from '../../bench/memory/isolate.ts';
import { Draw } from '../support/draw.ts';
import { AloneAnswers, countWrong, NONE_WRONG } from '../support/load-answers.ts';
import type { Leave } from '../support/load-client.ts';
import { drawRequests, type LoadRequest } from '../support/load-requests.ts';
import { LoadServer } from '../support/load-server.ts';

const REQUESTS = 1000;
const TOGETHER = 32;
const POOL = drawRequests(new Draw(1000), 60);
const STREAMS = POOL.filter(({ streams }) => streams);
const WHOLES = POOL.filter(({ streams }) => !streams);
const MOST_GROWTH_BYTES = 1e6;

/** How a client leaves: before the first byte, in the middle of a stream, or while an answer is worked out. */
const LEAVING = ['at once', 'in the middle', 'while it waits'] as const;
type Leaving = (typeof LEAVING)[number];

interface Job {
  readonly request: LoadRequest;
  readonly leaving?: Leaving;
  readonly leave?: Leave;
}

describe('1,000 requests, 32 at a time, a third of them left', () => {
  const alone = new AloneAnswers();
  let server: LoadServer;
  beforeAll(async () => {
    // So little that the cache is full now and then.
    server = await LoadServer.start('--heap', '40');
    await alone.learn(server, POOL);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('are answered as if each were alone, and leave nothing', async () => {
    const draw = new Draw(1);
    await warmUp(server, draw);
    const before = await accountsOf(server);

    const done = await runAll(jobsOf(draw, REQUESTS), async ({ request, leaving, leave }) => {
      const answer = await server.ask(request, leave);
      return { wrong: alone.compare(request, answer), left: answer.left ? leaving : undefined };
    });
    expect(done).toHaveLength(REQUESTS);
    expect(countWrong(done.map(({ wrong }) => wrong))).toEqual(NONE_WRONG);
    for (const leaving of LEAVING) expect(done.filter(({ left }) => left === leaving)).not.toEqual([]);
    expect(done.filter(({ left }) => left !== undefined).length).toBeGreaterThan(REQUESTS / 4);

    const after = await accountsOf(server);
    expect(after.heap).toEqual(before.heap);
    expect(after.slots).toEqual(before.slots);
    expect(after.javaScript - before.javaScript).toBeLessThan(MOST_GROWTH_BYTES);
    expect(server.complaints).toBe('');
  });
});

/** A third is left, in one of the ways. */
function jobsOf(draw: Draw, count: number): Job[] {
  return Array.from({ length: count }, (_, i) =>
    i % 3 === 0 ? leavingJob(draw, draw.pick(LEAVING)) : { request: draw.pick(POOL) },
  );
}

function leavingJob(draw: Draw, leaving: Leaving): Job {
  if (leaving === 'in the middle') {
    return { request: draw.pick(STREAMS), leaving, leave: { after: 'events', count: draw.integer(1, 6) } };
  }
  const [requests, least, most] = leaving === 'at once' ? [POOL, 0, 10] : [WHOLES, 10, 200];
  return {
    request: draw.pick(requests),
    leaving,
    leave: { after: 'milliseconds', count: draw.integer(least, most) },
  };
}

/** `TOGETHER` at a time. */
async function runAll<T>(jobs: readonly Job[], run: (job: Job) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  const waiting = jobs.values();
  const worker = async () => {
    for (const job of waiting) results.push(await run(job));
  };
  await Promise.all(Array.from({ length: TOGETHER }, worker));
  return results;
}

/** After it everything is there that is made when it is first needed, and the cache has grown to its maximum. */
async function warmUp(server: LoadServer, draw: Draw): Promise<void> {
  const n = 16;
  const { maximum } = (await server.health()).slots;
  const max_tokens = Math.floor(maximum / n) - 1;
  const body = { prompt: 'Once', temperature: 1, seed: 1, n, max_tokens, ignore_eos: true, stream: true };
  const all = { path: '/v1/completions', streams: true, body };
  await server.ask(all, { after: 'events', count: 1 });
  await server.idle();
  await runAll(jobsOf(draw, 2 * TOGETHER), ({ request, leave }) => server.ask(request, leave));
}

interface Accounts {
  readonly heap: object;
  readonly slots: object;
  readonly javaScript: number;
}

/** Of an idle server, in bytes and slots. */
async function accountsOf(server: LoadServer): Promise<Accounts> {
  await server.idle();
  await server.emptyCache();
  const { heap, slots } = await server.health();
  return { heap, slots, javaScript: totalOf(await server.javaScript()) };
}
