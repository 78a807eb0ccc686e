/** @module Many at once: whatever is asked at the same time, and whoever goes away, each answer is what it is alone. */
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Draw } from '../support/draw.ts';
import { AloneAnswers, countWrong, NONE_WRONG } from '../support/load-answers.ts';
import type { Leave } from '../support/load-client.ts';
import { REFUSED } from '../support/load-refused.ts';
import { drawRequests, type LoadRequest } from '../support/load-requests.ts';
import { LoadServer } from '../support/load-server.ts';

const TOGETHER = 32;
const POOL = drawRequests(new Draw(0), 90);
const MOST_DELAY_MILLISECONDS = 40;

/** The cache has room for all of them, or for about a third. */
const ROOMS = { 'room for all': ['--heap', '112'], 'room for some': ['--heap', '32'] } as const;
type Room = keyof typeof ROOMS;

const CASES = Array.from({ length: 20 }, (_, i): { seed: number; room: Room } => ({
  seed: i + 1,
  room: i % 2 === 0 ? 'room for all' : 'room for some',
}));

describe('32 mixed requests at once', () => {
  const alone = new AloneAnswers();
  const servers = new Map<Room, LoadServer>();
  beforeAll(async () => {
    for (const room of Object.keys(ROOMS) as Room[]) {
      servers.set(room, await LoadServer.start(...ROOMS[room]));
    }
    await alone.learn(serverWith('room for all'), POOL);
  });
  afterAll(async () => {
    for (const server of servers.values()) await server[Symbol.asyncDispose]();
  });

  function serverWith(room: Room): LoadServer {
    const server = servers.get(room);
    if (!server) throw new Error(`no server has ${room}`);
    return server;
  }

  it.each(CASES)('get each what it gets alone, with $room: seed $seed', async ({ seed, room }) => {
    const server = serverWith(room);
    const draw = new Draw(seed);
    const refused = draw.shuffled(REFUSED).slice(0, 4);
    const answers = clientsOf(draw, TOGETHER - refused.length).map(async ({ request, delay, leave }) => {
      await setTimeout(delay);
      return alone.compare(request, await server.ask(request, leave));
    });
    const refusals = refused.map(async ({ request }) => {
      await setTimeout(draw.integer(0, MOST_DELAY_MILLISECONDS));
      return await server.ask(request);
    });
    const [compared, told] = await Promise.all([Promise.all(answers), Promise.all(refusals)]);
    expect(countWrong(compared)).toEqual(NONE_WRONG);
    const whole = { left: false, failure: null };
    expect(told).toEqual(refused.map(({ status, body }) => ({ status, parts: { all: [body] }, ...whole })));
    await server.idle();
    expect(server.complaints).toBe('');
  });
});

interface Client {
  readonly request: LoadRequest;
  readonly delay: number;
  readonly leave: Leave | undefined;
}

/** Any, of which one is asked four times. */
function clientsOf(draw: Draw, count: number): Client[] {
  const some = draw.shuffled(POOL).slice(0, count - 3);
  const twin = draw.pick(some);
  return draw.shuffled([...some, twin, twin, twin]).map((request) => ({
    request,
    delay: draw.integer(0, MOST_DELAY_MILLISECONDS),
    leave: draw.chance(0.25) ? leaveOf(draw, request) : undefined,
  }));
}

function leaveOf(draw: Draw, { streams }: LoadRequest): Leave {
  return streams && draw.chance(0.7)
    ? { after: 'events', count: draw.integer(1, 10) }
    : { after: 'milliseconds', count: draw.integer(0, 300) };
}
