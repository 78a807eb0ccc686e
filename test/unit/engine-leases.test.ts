/** @module A request that the platform ended without a word loses its tree to those who need the room. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadEngine } from '../../model-assets/node/engine.ts';
import type { Engine } from '../../worker/engine/engine.ts';
import { LeaseExpiredError, SlotsExhaustedError } from '../../worker/engine/errors.ts';
import { ODD_INT8 } from '../support/models.ts';
import { appendAll, sequenceLogits } from '../support/rows.ts';

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

  it('gives way after a minute when another needs its room, and its holder is told', async () => {
    const idle = engine.open(maximum - 10);
    const [node] = appendAll(idle, null, [1, 2]);
    pass(60 * SECOND + 1);
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

  it('stays while its minute lasts, counted from the last evaluation', async () => {
    const busy = engine.open(maximum - 10);
    pass(50 * SECOND);
    await busy.evaluate([{ node: busy.append(null, 1) }]);
    pass(60 * SECOND);
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

  it('takes nothing of its past into the next tree', async () => {
    const idle = engine.open(maximum);
    await idle.evaluate(appendAll(idle, null, [1, 2, 3]).map((node) => ({ node })));
    pass(61 * SECOND);
    const fresh = await loadEngine(ODD_INT8);
    expect(await sequenceLogits(engine, [4, 5])).toEqual(await sequenceLogits(fresh, [4, 5]));
    fresh.release();
  });
});
