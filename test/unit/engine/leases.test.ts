/**
 * @module Leases: an idle tree, e.g. of a request that the platform dropped, expires when another needs its
 * space.
 */
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LeaseExpiredError } from '../../../engine/batching/errors.ts';
import { SlotsExhaustedError } from '../../../engine/cache/errors.ts';
import type { Engine } from '../../../engine/engine.ts';
import { loadEngine } from '../../../engine/node/load-engine.ts';
import { startGeneration } from '../../../worker/serving/generate.ts';
import type { GenerationRequest } from '../../../worker/serving/request.ts';
import { eventsByPrompt, request, servedModel } from '../../support/generations.ts';
import { ODD_INT8 } from '../../support/models.ts';
import { appendAll, sequenceLogits } from '../../support/rows.ts';

const SECOND = 1000;

describe('an idle tree', () => {
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
  const advance = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);

  it('expires after 20 seconds when another needs its space, and rejects later calls', async () => {
    const idle = engine.open(maximum - 10);
    const [node] = appendAll(idle, null, [1, 2]);
    advance(20 * SECOND + 1);
    const tree = engine.open(11);
    await expect(idle.evaluate([{ node: node as NonNullable<typeof node> }])).rejects.toThrow(
      LeaseExpiredError,
    );
    expect(() => idle.append(null, 1)).toThrow(/^the tree was idle for too long/);
    idle.close();
    expect(engine.status.slots).toMatchObject({ reserved: 11, taken: 0 });
    tree.close();
    expect(engine.status.requests).toBe(0);
  });

  it('does not expire within 20 seconds of its last evaluation', async () => {
    const busy = engine.open(maximum - 10);
    advance(15 * SECOND);
    await busy.evaluate([{ node: busy.append(null, 1) }]);
    advance(20 * SECOND);
    expect(() => engine.open(11)).toThrow(SlotsExhaustedError);
    await busy.evaluate([{ node: busy.append(null, 2) }]);
  });

  it('does not expire while nothing else needs its space', async () => {
    const idle = engine.open(10);
    advance(3600 * SECOND);
    engine.open(maximum - 10);
    await idle.evaluate([{ node: idle.append(null, 1) }]);
  });

  it('does not expire when its space would not be enough', () => {
    const idle = engine.open(10);
    advance(3600 * SECOND);
    expect(() => engine.open(maximum + 1)).toThrow(SlotsExhaustedError);
    expect(() => idle.append(null, 1)).not.toThrow();
  });

  it('gives its space to a queued request, and its reader gets an error', async () => {
    const limits = { length: 1, milliseconds: 30 * SECOND };
    const { signal } = new AbortController();
    const start = (given: GenerationRequest) =>
      startGeneration(servedModel(engine), given, { limits, signal });
    const short = request([[1, 2, 3]], { max_new_tokens: 80 });
    const alone = await eventsByPrompt(engine, short);
    // Enough beams to fill nearly all of the cache. The test reads only the first event.
    const num_beams = Math.floor((maximum - 2) / 49);
    const { events } = await start(request([[4, 5]], { max_new_tokens: 50, num_beams }));
    // Decoding computes ahead of its reader.
    await vi.waitUntil(() => engine.status.waitingRows === 0, { interval: 1 });
    advance(10 * SECOND);
    // A real timeout: the faked clock does not advance.
    const waiting = eventsByPrompt(engine, short, limits, AbortSignal.timeout(10_000));
    await vi.waitUntil(() => engine.admission.length === 1, { interval: 1 });
    advance(9 * SECOND);
    await setTimeout(20);
    expect(engine.status).toMatchObject({ waitingRequests: 1, requests: 1 });
    advance(2 * SECOND);
    expect(await waiting).toEqual(alone);
    // Events computed before the expiry come first.
    const readAll = async () => {
      while (!(await events.next()).done);
    };
    await expect(readAll()).rejects.toThrow(LeaseExpiredError);
    const unused = { requests: 0, waitingRequests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };
    expect(engine.status).toMatchObject(unused);
  });

  it('leaves no trace in the next tree', async () => {
    const idle = engine.open(maximum);
    await idle.evaluate(appendAll(idle, null, [1, 2, 3]).map((node) => ({ node })));
    advance(21 * SECOND);
    const fresh = await loadEngine(ODD_INT8);
    expect(await sequenceLogits(engine, [4, 5])).toEqual(await sequenceLogits(fresh, [4, 5]));
    fresh.release();
  });
});
