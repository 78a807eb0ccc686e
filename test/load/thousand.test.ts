/** @module A thousand requests, a third of them abandoned: every answer is right, and no memory leaks. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { totalOf } from '../../bench/memory/isolate.ts';
import { SLOTS_PER_PAGE } from '../../engine/cache/kv-pool.ts';
import { Draw } from '../support/draw.ts';
import { NO_MISMATCHES, ReferenceAnswers, reportMismatches } from '../support/load-answers.ts';
import type { Disconnect } from '../support/load-client.ts';
import { drawRequests, type LoadRequest } from '../support/load-requests.ts';
import { LoadServer } from '../support/load-server.ts';

const REQUESTS = 1000;
const CONCURRENCY = 32;
const POOL = drawRequests(new Draw(1000), 60);
const STREAMS = POOL.filter(({ streams }) => streams);
const WHOLE_ANSWERS = POOL.filter(({ streams }) => !streams);
/** Requests until the caches of masks and of compiled constraints, of a MiB each, are as full as these requests make them. */
const WARM_UP_REQUESTS = 400;
const MAX_GROWTH_BYTES = 1e6;

/** When a client disconnects: right after sending, within a stream, or while a whole answer is generated. */
const DISCONNECT_PHASES = ['sending', 'streaming', 'waiting'] as const;
type DisconnectPhase = (typeof DISCONNECT_PHASES)[number];

interface Job {
  readonly request: LoadRequest;
  readonly phase?: DisconnectPhase;
  readonly disconnect?: Disconnect;
}

describe('1,000 requests, 32 at a time, a third of them abandoned', () => {
  const references = new ReferenceAnswers();
  let server: LoadServer;
  beforeAll(async () => {
    // Small enough that the cache fills up now and then.
    server = await LoadServer.start('--heap', '40');
    await references.record(server, POOL);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('match sequential answers, and leak no memory', async () => {
    const draw = new Draw(1);
    await warmUp(server, draw);
    const before = await measureMemory(server);

    const results = await runAll(drawJobs(draw, REQUESTS), async ({ request, phase, disconnect }) => {
      const answer = await server.send(request, disconnect);
      return {
        mismatch: references.compare(request, answer),
        abandoned: answer.disconnected ? phase : undefined,
      };
    });
    expect(results).toHaveLength(REQUESTS);
    expect(reportMismatches(results.map(({ mismatch }) => mismatch))).toEqual(NO_MISMATCHES);
    for (const phase of DISCONNECT_PHASES) {
      expect(results.filter(({ abandoned }) => abandoned === phase)).not.toEqual([]);
    }
    expect(results.filter(({ abandoned }) => abandoned !== undefined).length).toBeGreaterThan(REQUESTS / 4);

    const after = await measureMemory(server);
    expect(after.heap).toEqual(before.heap);
    expect(after.slots).toEqual(before.slots);
    expect(after.javaScript - before.javaScript).toBeLessThan(MAX_GROWTH_BYTES);
    expect(server.errorOutput).toBe('');
  });
});

/** In every third job the client disconnects in a random phase. */
function drawJobs(draw: Draw, count: number): Job[] {
  return Array.from({ length: count }, (_, i) =>
    i % 3 === 0 ? abandonedJob(draw, draw.pick(DISCONNECT_PHASES)) : { request: draw.pick(POOL) },
  );
}

function abandonedJob(draw: Draw, phase: DisconnectPhase): Job {
  if (phase === 'streaming') {
    const request = draw.pick(STREAMS);
    return { request, phase, disconnect: { after: 'events', count: draw.integer(1, 6) } };
  }
  const [requests, minimum, maximum] = phase === 'sending' ? [POOL, 0, 10] : [WHOLE_ANSWERS, 10, 200];
  return {
    request: draw.pick(requests),
    phase,
    disconnect: { after: 'milliseconds', count: draw.integer(minimum, maximum) },
  };
}

/** Runs the jobs, `CONCURRENCY` at a time. */
async function runAll<T>(jobs: readonly Job[], run: (job: Job) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  const queue = jobs.values();
  const worker = async () => {
    for (const job of queue) results.push(await run(job));
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return results;
}

/** Creates everything that the server creates lazily, and makes the cache grow to its maximum. */
async function warmUp(server: LoadServer, draw: Draw): Promise<void> {
  const n = SLOTS_PER_PAGE;
  const { maximum } = (await server.health()).slots;
  // The most tokens that are accepted take every page of the cache.
  for (let max_tokens = maximum / n; ; max_tokens--) {
    const body = { prompt: 'Once', temperature: 1, seed: 1, n, max_tokens, ignore_eos: true, stream: true };
    const request = { path: '/v1/completions', streams: true, body };
    const { status } = await server.send(request, { after: 'events', count: 1 });
    if (status === 200) break;
    expect(status).toBe(400);
  }
  await server.waitUntilIdle();
  await runAll(drawJobs(draw, WARM_UP_REQUESTS), (job) => server.send(job.request, job.disconnect));
}

/** Memory of an idle server, in bytes and slots. */
interface MemoryUsage {
  readonly heap: object;
  readonly slots: object;
  readonly javaScript: number;
}

async function measureMemory(server: LoadServer): Promise<MemoryUsage> {
  await server.waitUntilIdle();
  await server.resetPrefixCache();
  const { heap, slots } = await server.health();
  return { heap, slots, javaScript: totalOf(await server.javaScriptHeap()) };
}
