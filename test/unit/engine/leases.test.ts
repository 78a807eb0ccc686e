/** @module A request that the platform ended without a word loses its tree to those who need the room. */
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LeaseExpiredError } from '../../../engine/batching/errors.ts';
import { SlotsExhaustedError } from '../../../engine/cache/errors.ts';
import type { Engine } from '../../../engine/engine.ts';
import { loadEngine } from '../../../engine/node/load-engine.ts';
import { startGeneration } from '../../../worker/serving/generate.ts';
import type { GenerationRequest } from '../../../worker/serving/request.ts';
import { request, tell } from '../../support/generations.ts';
import { ODD_INT8 } from '../../support/models.ts';
import { appendAll, sequenceLogits } from '../../support/rows.ts';

const SECOND = 1000;

describe('a tree of which nothing is heard', () => {
  let engine: Engine;
  let maximum: number;
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    engine = await loadEngine(ODD_INT8, { maximumBytes: 20 * 2 ** 20 });
    ({ maximum } = engine.status.slots);
  });
  afterEach(() => {
    engine.release();
    vi.useRealTimers();
  });
  const pass = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);

  it('gives way after 20 seconds when another needs its room, and its holder is told', async () => {
    const idle = engine.open(maximum - 10);
    const [node] = appendAll(idle, null, [1, 2]);
    pass(20 * SECOND + 1);
    const tree = engine.open(11);
    await expect(idle.evaluate([{ node: node as NonNullable<typeof node> }])).rejects.toThrow(
      LeaseExpiredError,
    );
    expect(() => idle.append(null, 1)).toThrow(/^nothing was asked of this tree for too long/);
    idle.close();
    expect(engine.status.slots).toMatchObject({ reserved: 11, taken: 0 });
    tree.close();
    expect(engine.status.requests).toBe(0);
  });

  it('stays while these last, counted from the last evaluation', async () => {
    const busy = engine.open(maximum - 10);
    pass(15 * SECOND);
    await busy.evaluate([{ node: busy.append(null, 1) }]);
    pass(20 * SECOND);
    expect(() => engine.open(11)).toThrow(SlotsExhaustedError);
    await busy.evaluate([{ node: busy.append(null, 2) }]);
  });

  it('stays as long as nobody needs its room', async () => {
    const idle = engine.open(10);
    pass(3600 * SECOND);
    engine.open(maximum - 10);
    await idle.evaluate([{ node: idle.append(null, 1) }]);
  });

  it('stays when even its room would not be enough', () => {
    const idle = engine.open(10);
    pass(3600 * SECOND);
    expect(() => engine.open(maximum + 1)).toThrow(SlotsExhaustedError);
    expect(() => idle.append(null, 1)).not.toThrow();
  });

  it('gives its room to who waits for it in the queue, and is told when its reader comes back', async () => {
    const limits = { length: 1, milliseconds: 30 * SECOND };
    const forEver = new AbortController().signal;
    const start = (given: GenerationRequest) => startGeneration(engine, given, limits, forEver);
    const short = request([[1, 2, 3]], { max_new_tokens: 80 });
    const alone = await tell(engine, short);
    // Beams enough to need nearly all of the cache; of what they tell nobody reads more than the beginning.
    const num_beams = Math.floor((maximum - 2) / 49);
    const { events } = await start(request([[4, 5]], { max_new_tokens: 50, num_beams }));
    // What it computes ahead of its reader.
    await vi.waitUntil(() => engine.status.waitingRows === 0, { interval: 1 });
    pass(10 * SECOND);
    // Where the clock stands still no other time limit is of use.
    const waiting = tell(engine, short, limits, AbortSignal.timeout(10_000));
    await vi.waitUntil(() => engine.admission.length === 1, { interval: 1 });
    pass(9 * SECOND);
    await setTimeout(20);
    expect(engine.status).toMatchObject({ waitingRequests: 1, requests: 1 });
    pass(2 * SECOND);
    expect(await waiting).toEqual(alone);
    // What was computed before comes first.
    const readOn = async () => {
      while (!(await events.next()).done);
    };
    await expect(readOn()).rejects.toThrow(LeaseExpiredError);
    const nothing = { requests: 0, waitingRequests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };
    expect(engine.status).toMatchObject(nothing);
  });

  it('takes nothing of its past into the next tree', async () => {
    const idle = engine.open(maximum);
    await idle.evaluate(appendAll(idle, null, [1, 2, 3]).map((node) => ({ node })));
    pass(21 * SECOND);
    const fresh = await loadEngine(ODD_INT8);
    expect(await sequenceLogits(engine, [4, 5])).toEqual(await sequenceLogits(fresh, [4, 5]));
    fresh.release();
  });
});
