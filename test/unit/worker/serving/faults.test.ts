/** @module What goes wrong in one request beside others: a logits processor that throws, a cache that cannot grow, a full heap. */
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { QueueTimeoutError } from '../../../../engine/batching/errors.ts';
import { pageBytes } from '../../../../engine/cache/kv-pool.ts';
import type { Engine } from '../../../../engine/engine.ts';
import { loadEngine } from '../../../../engine/node/load-engine.ts';
import { OrtError } from '../../../../engine/runtime/errors.ts';
import { startGeneration } from '../../../../worker/serving/generate.ts';
import type { GenerationRequest } from '../../../../worker/serving/request.ts';
import { faults } from '../../../support/faults.ts';
import { EVERY_KIND, request, servedModel, type Told, tell } from '../../../support/generations.ts';
import { ODD_INT8 } from '../../../support/models.ts';

vi.mock('onnxruntime-web/ort-wasm-simd-threaded.mjs', async (importActual) => {
  const { faulty } = await import('../../../support/faults.ts');
  const { default: factory } =
    await importActual<typeof import('onnxruntime-web/ort-wasm-simd-threaded.mjs')>();
  return { default: faulty(factory) };
});

/** A size of n-grams for which the processor throws, from the third row on. */
const THROWS = 77;
const THROWN = new TypeError('a processor threw');

vi.mock('../../../../decoding/processors/repetition.ts', async (importActual) => {
  const actual = await importActual<typeof import('../../../../decoding/processors/repetition.ts')>();
  return {
    ...actual,
    noRepeatNgram(size: number): ReturnType<typeof actual.noRepeatNgram> {
      if (size !== THROWS) return actual.noRepeatNgram(size);
      let rows = 0;
      return () => {
        if (++rows > 2) throw THROWN;
      };
    },
  };
});

const MiB = 2 ** 20;
const NEVER = new AbortController().signal;
const LIMITS = { length: 64, milliseconds: 30_000 };
const NOTHING = {
  requests: 0,
  waitingRequests: 0,
  waitingRows: 0,
  slots: { reserved: 0, taken: 0 },
};
const kinds = Object.entries(EVERY_KIND);

const alone = new Map<string, Told>();
let engine: Engine;
beforeAll(async () => {
  const other = await loadEngine(ODD_INT8);
  for (const [kind, given] of kinds) alone.set(kind, await tell(other, given));
  other.release();
});
beforeEach(async () => {
  faults.reset();
  engine = await loadEngine(ODD_INT8, { maximumBytes: 24 * MiB, maxRows: 16 });
});
afterEach(() => {
  faults.stop();
  engine.release();
});

/** That everyone of them tells what they tell alone, and then holds nothing. */
async function expectAllRight(): Promise<void> {
  const told = await Promise.all(kinds.map(([, given]) => tell(engine, given)));
  for (const [i, [kind]] of kinds.entries()) expect(told[i], kind).toEqual(alone.get(kind));
  expect(engine.broken).toBe(false);
  expect(engine.status).toMatchObject(NOTHING);
}

describe('a logits processor that throws', () => {
  it.each(['greedy', 'sampling', 'beams', 'diverse beams', 'two prompts', 'a common beginning', 'private'])(
    'in a request of the kind "%s" ends that one, and no other',
    async (kind) => {
      const good = EVERY_KIND[kind] as GenerationRequest;
      const bad = { ...good, options: { ...good.options, no_repeat_ngram_size: THROWS } };
      const failing = tell(engine, bad).catch((error: unknown) => error);
      await expectAllRight();
      expect(await failing).toBe(THROWN);
      expect(engine.status).toMatchObject(NOTHING);
      expect(await tell(engine, good)).toEqual(alone.get(kind));
    },
  );
});

describe('a cache that cannot grow', () => {
  /** Lets the allocator find no page, so many times. */
  const failPages = (times: number) =>
    faults.fail('_malloc', 0, times, (bytes) => bytes === pageBytes(engine.manifest.config, 'f32'));

  it('has a request wait, and when it can again the request goes on', async () => {
    failPages(3);
    await expectAllRight();
    expect(faults.stop()).toBe(true);
  });

  it('refuses it when it has waited long enough, and nobody else notices', async () => {
    const running = kinds.map(([, given]) => tell(engine, given));
    await vi.waitUntil(() => engine.passCounts.rows > 0, { interval: 1 });
    const { cache } = engine.status.heap;
    failPages(Number.POSITIVE_INFINITY);
    const large = request([[200]], { max_new_tokens: 60, num_beams: 8 });
    await expect(tell(engine, large, { length: 1, milliseconds: 50 })).rejects.toThrow(QueueTimeoutError);
    expect(engine.status.heap.cache).toBe(cache);
    const told = await Promise.all(running);
    for (const [i, [kind]] of kinds.entries()) expect(told[i], kind).toEqual(alone.get(kind));
    expect(engine.status).toMatchObject(NOTHING);
    faults.stop();
    expect((await tell(engine, large)).size).toBe(1);
  });

  it('leaves a request of several prompts those lanes that there is room for', async () => {
    const prompts = Array.from({ length: 6 }, (_, i) => [10 + i, 20, 30]);
    const several = request(prompts, { max_new_tokens: 20 });
    const expected = await tell(engine, several);
    engine.release();
    engine = await loadEngine(ODD_INT8, { maximumBytes: 24 * MiB, maxRows: 16 });
    // Of 22 tokens each: the second lane needs another page.
    faults.fail(
      '_malloc',
      2,
      Number.POSITIVE_INFINITY,
      (bytes) => bytes === pageBytes(engine.manifest.config, 'f32'),
    );
    expect(await tell(engine, several)).toEqual(expected);
    expect(engine.status).toMatchObject({ ...NOTHING, slots: { capacity: 32 } });
  });
});

describe('a request that fails while nobody reads it', () => {
  it('tells the reader when it comes back, and has given everything back when the reader has gone', async () => {
    const { events } = await startGeneration(
      servedModel(engine),
      EVERY_KIND['two prompts'] as GenerationRequest,
      LIMITS,
      NEVER,
    );
    faults.fail('_OrtRun', 0, Number.POSITIVE_INFINITY);
    await events.next();
    // Long enough for both prompts to fail.
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    await expect(collect(events)).rejects.toThrow(OrtError);
    faults.stop();
    expect(engine.status).toMatchObject(NOTHING);
    await expectAllRight();
  });
});

async function collect(events: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const event of events) all.push(event);
  return all;
}
