/**
 * @module Faults in one of several concurrent requests: a processor that throws, a cache that cannot grow, a
 * failing pass.
 */
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { QueueTimeoutError } from '../../../../engine/batching/errors.ts';
import { pageBytes } from '../../../../engine/cache/kv-pool.ts';
import { Engine } from '../../../../engine/engine.ts';
import {
  folderSource,
  kernelModules,
  loadEngine,
  nodePlatform,
  startOrt,
} from '../../../../engine/node/load-engine.ts';
import { OrtError } from '../../../../engine/runtime/errors.ts';
import { startGeneration } from '../../../../worker/serving/generate.ts';
import type { GenerationRequest } from '../../../../worker/serving/request.ts';
import { faults } from '../../../support/faults.ts';
import {
  EVERY_KIND,
  type EventsByPrompt,
  eventsByPrompt,
  request,
  servedModel,
} from '../../../support/generations.ts';
import { ODD_INT8 } from '../../../support/models.ts';

vi.mock('onnxruntime-web/ort-wasm-simd-threaded.mjs', async (importActual) => {
  const { faulty } = await import('../../../support/faults.ts');
  const { default: factory } =
    await importActual<typeof import('onnxruntime-web/ort-wasm-simd-threaded.mjs')>();
  return { default: faulty(factory) };
});

/** With this n-gram size the mocked processor throws, from the third row on. */
const FAULTY_NGRAM_SIZE = 77;
const PROCESSOR_ERROR = new TypeError('a processor threw');

vi.mock('../../../../decoding/processors/repetition.ts', async (importActual) => {
  const actual = await importActual<typeof import('../../../../decoding/processors/repetition.ts')>();
  return {
    ...actual,
    noRepeatNgram(size: number): ReturnType<typeof actual.noRepeatNgram> {
      if (size !== FAULTY_NGRAM_SIZE) return actual.noRepeatNgram(size);
      let rows = 0;
      return () => {
        if (++rows > 2) throw PROCESSOR_ERROR;
      };
    },
  };
});

const MiB = 2 ** 20;
const NEVER_ABORTED = new AbortController().signal;
const LIMITS = { length: 64, milliseconds: 30_000 };
const IDLE = {
  requests: 0,
  waitingRequests: 0,
  waitingRows: 0,
  slots: { reserved: 0, taken: 0 },
};
const kinds = Object.entries(EVERY_KIND);

/** An engine whose cache has pages in the heap only, where `_malloc` can fail. */
async function loadLimited(): Promise<Engine> {
  const ort = await startOrt(24 * MiB);
  ort.heap.allocateInStack(ort.heap.account.unusedStack, 'graphs');
  return Engine.load(ort, {
    source: folderSource(ODD_INT8),
    platform: nodePlatform,
    kernels: await kernelModules(),
    maxRows: 16,
  });
}

const alone = new Map<string, EventsByPrompt>();
let engine: Engine;
beforeAll(async () => {
  const other = await loadEngine(ODD_INT8);
  for (const [kind, generationRequest] of kinds)
    alone.set(kind, await eventsByPrompt(other, generationRequest));
  other.release();
});
beforeEach(async () => {
  faults.reset();
  engine = await loadLimited();
});
afterEach(() => {
  faults.stop();
  engine.release();
});

/**
 * Expects the events of concurrent requests to equal those of each request alone, and all memory to be freed.
 */
async function expectUndisturbed(): Promise<void> {
  const together = await Promise.all(
    kinds.map(([, generationRequest]) => eventsByPrompt(engine, generationRequest)),
  );
  for (const [i, [kind]] of kinds.entries()) expect(together[i], kind).toEqual(alone.get(kind));
  expect(engine.broken).toBe(false);
  expect(engine.status).toMatchObject(IDLE);
}

describe('a logits processor that throws', () => {
  it.each(['greedy', 'sampling', 'beams', 'diverse beams', 'two prompts', 'a common prefix', 'private'])(
    'in a request of the kind "%s" fails only that request',
    async (kind) => {
      const good = EVERY_KIND[kind] as GenerationRequest;
      const bad = { ...good, options: { ...good.options, no_repeat_ngram_size: FAULTY_NGRAM_SIZE } };
      const failing = eventsByPrompt(engine, bad).catch((error: unknown) => error);
      await expectUndisturbed();
      expect(await failing).toBe(PROCESSOR_ERROR);
      expect(engine.status).toMatchObject(IDLE);
      expect(await eventsByPrompt(engine, good)).toEqual(alone.get(kind));
    },
  );
});

describe('a cache that cannot grow', () => {
  /** Makes the next `times` allocations of a page fail. */
  const failPages = (times: number) =>
    faults.fail('_malloc', 0, times, (bytes) => bytes === pageBytes(engine.manifest.config, 'f32'));

  it('makes a request wait until it can grow again', async () => {
    failPages(3);
    await expectUndisturbed();
    expect(faults.stop()).toBe(true);
  });

  it('times out a waiting request without effect on others', async () => {
    const running = kinds.map(([, generationRequest]) => eventsByPrompt(engine, generationRequest));
    await vi.waitUntil(() => engine.passCounts.rows > 0, { interval: 1 });
    const { cache } = engine.status.heap;
    failPages(Number.POSITIVE_INFINITY);
    const large = request([[200]], { max_new_tokens: 60, num_beams: 8 });
    await expect(eventsByPrompt(engine, large, { length: 1, milliseconds: 1 })).rejects.toThrow(
      QueueTimeoutError,
    );
    expect(engine.status.heap.cache).toBe(cache);
    const together = await Promise.all(running);
    for (const [i, [kind]] of kinds.entries()) expect(together[i], kind).toEqual(alone.get(kind));
    expect(engine.status).toMatchObject(IDLE);
    faults.stop();
    expect((await eventsByPrompt(engine, large)).size).toBe(1);
  });

  it('reduces the lanes of a request of several prompts to the available space', async () => {
    const prompts = Array.from({ length: 6 }, (_, i) => [10 + i, 20, 30]);
    const several = request(prompts, { max_new_tokens: 20 });
    const expected = await eventsByPrompt(engine, several);
    engine.release();
    engine = await loadLimited();
    // A lane has 22 tokens: the second one needs another page.
    faults.fail(
      '_malloc',
      2,
      Number.POSITIVE_INFINITY,
      (bytes) => bytes === pageBytes(engine.manifest.config, 'f32'),
    );
    expect(await eventsByPrompt(engine, several)).toEqual(expected);
    expect(engine.status).toMatchObject({ ...IDLE, slots: { capacity: 32 } });
  });
});

describe('a request that fails while its events are not read', () => {
  it('throws at the next read, and has freed all its memory afterwards', async () => {
    const { events } = await startGeneration(
      servedModel(engine),
      EVERY_KIND['two prompts'] as GenerationRequest,
      { limits: LIMITS, signal: NEVER_ABORTED },
    );
    faults.fail('_OrtRun', 0, Number.POSITIVE_INFINITY);
    await events.next();
    // Long enough for both prompts to fail.
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    await expect(collect(events)).rejects.toThrow(OrtError);
    faults.stop();
    expect(engine.status).toMatchObject(IDLE);
    await expectUndisturbed();
  });
});

async function collect(events: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const event of events) all.push(event);
  return all;
}
