/** @module Concurrent requests get the same answers as sequential ones, also beside clients that disconnect. */
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Draw } from '../support/draw.ts';
import { NO_MISMATCHES, ReferenceAnswers, reportMismatches } from '../support/load-answers.ts';
import type { Disconnect } from '../support/load-client.ts';
import { REFUSED_REQUESTS } from '../support/load-refused.ts';
import { drawRequests, type LoadRequest } from '../support/load-requests.ts';
import { LoadServer } from '../support/load-server.ts';

const CONCURRENCY = 32;
const POOL = drawRequests(new Draw(0), 90);
const MAX_DELAY_MILLISECONDS = 40;

/** Arguments of `npm start`: the cache fits all of the requests, or about a third of them. */
const CACHES = { 'large cache': ['--heap', '112'], 'small cache': ['--heap', '32'] } as const;
type Cache = keyof typeof CACHES;

const CASES = Array.from({ length: 20 }, (_, i): { seed: number; cache: Cache } => ({
  seed: i + 1,
  cache: i % 2 === 0 ? 'large cache' : 'small cache',
}));

describe('32 concurrent mixed requests', () => {
  const references = new ReferenceAnswers();
  const servers = new Map<Cache, LoadServer>();
  beforeAll(async () => {
    for (const cache of Object.keys(CACHES) as Cache[]) {
      servers.set(cache, await LoadServer.start(...CACHES[cache]));
    }
    await references.record(serverWith('large cache'), POOL);
  });
  afterAll(async () => {
    for (const server of servers.values()) await server[Symbol.asyncDispose]();
  });

  function serverWith(cache: Cache): LoadServer {
    const server = servers.get(cache);
    if (!server) throw new Error(`no server has a ${cache}`);
    return server;
  }

  it.each(CASES)('match sequential answers with a $cache: seed $seed', async ({ seed, cache }) => {
    const server = serverWith(cache);
    const draw = new Draw(seed);
    const refused = draw.shuffled(REFUSED_REQUESTS).slice(0, 4);
    const clients = drawClients(draw, CONCURRENCY - refused.length);
    const comparing = clients.map(async ({ request, delay, disconnect }) => {
      await setTimeout(delay);
      return references.compare(request, await server.send(request, disconnect));
    });
    const refusing = refused.map(async ({ request }) => {
      await setTimeout(draw.integer(0, MAX_DELAY_MILLISECONDS));
      return await server.send(request);
    });
    const [comparisons, refusals] = await Promise.all([Promise.all(comparing), Promise.all(refusing)]);
    expect(reportMismatches(comparisons)).toEqual(NO_MISMATCHES);
    const complete = { disconnected: false, failure: null };
    expect(refusals).toEqual(
      refused.map(({ status, body }) => ({ status, parts: { all: [body] }, ...complete })),
    );
    await server.waitUntilIdle();
    expect(server.errorOutput).toBe('');
  });
});

interface Client {
  readonly request: LoadRequest;
  readonly delay: number;
  readonly disconnect: Disconnect | undefined;
}

/** Clients with random requests of the pool, four of them with the same one. */
function drawClients(draw: Draw, count: number): Client[] {
  const distinct = draw.shuffled(POOL).slice(0, count - 3);
  const repeated = draw.pick(distinct);
  return draw.shuffled([...distinct, repeated, repeated, repeated]).map((request) => ({
    request,
    delay: draw.integer(0, MAX_DELAY_MILLISECONDS),
    disconnect: draw.chance(0.25) ? drawDisconnect(draw, request) : undefined,
  }));
}

function drawDisconnect(draw: Draw, { streams }: LoadRequest): Disconnect {
  return streams && draw.chance(0.7)
    ? { after: 'events', count: draw.integer(1, 10) }
    : { after: 'milliseconds', count: draw.integer(0, 300) };
}
