/**
 * @module Loading a model while each call of onnxruntime or the allocator fails in turn: clean errors, no
 * leaks.
 */
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Engine, type KernelModules } from '../../../engine/engine.ts';
import { ModelTooLargeError } from '../../../engine/model/errors.ts';
import { folderSource, kernelModules, nodePlatform, startOrt } from '../../../engine/node/load-engine.ts';
import { EngineBrokenError, HeapExhaustedError, OrtError } from '../../../engine/runtime/errors.ts';
import type { HeapAccount } from '../../../engine/runtime/heap.ts';
import type { Ort } from '../../../engine/runtime/ort.ts';
import { type Fallible, faults } from '../../support/faults.ts';
import { ODD_INT4, ODD_INT8 } from '../../support/models.ts';
import { sequenceLogits } from '../../support/rows.ts';

vi.mock('onnxruntime-web/ort-wasm-simd-threaded.mjs', async (importActual) => {
  const { faulty } = await import('../../support/faults.ts');
  const { default: factory } =
    await importActual<typeof import('onnxruntime-web/ort-wasm-simd-threaded.mjs')>();
  return { default: faulty(factory) };
});

const KiB = 1024;
const MiB = 1024 * KiB;
const TOKENS = [3, 1, 4, 1, 5, 9, 2, 6];

/** The account without the heap's size, which never shrinks. */
const bytesByOwner = ({ size: _, ...account }: HeapAccount) => account;

describe.each([
  ['int8', ODD_INT8],
  ['int4', ODD_INT4],
])('loading a model in %s', (_, model) => {
  let kernels: KernelModules;
  let ort: Ort;
  let expected: Float32Array[];
  let graphBytes: number;
  beforeAll(async () => {
    kernels = await kernelModules();
  });
  beforeEach(async () => {
    faults.reset();
    ort = await startOrt(40 * MiB);
    // The first load stores the names of inputs, which are never freed.
    const engine = await load();
    expected = await sequenceLogits(engine, TOKENS);
    graphBytes = engine.status.heap.graphs;
    engine.release();
  });
  const load = () =>
    Engine.load(ort, { kernels, platform: nodePlatform, source: folderSource(model), maxRows: 8 });

  async function expectCorrectLogits(engine: Engine): Promise<void> {
    expect(await sequenceLogits(engine, TOKENS)).toEqual(expected);
    engine.release();
  }

  async function callsToLoad(name: Fallible): Promise<number> {
    const before = faults.calls(name);
    const engine = await load();
    const calls = faults.calls(name) - before;
    engine.release();
    return calls;
  }

  it.each<Fallible>(['_malloc', '_OrtCreateSessionOptions', '_OrtCreateSession', '_OrtCreateTensor'])(
    'throws a clean error and leaks nothing when any one call of %s fails',
    async (name) => {
      const before = { account: bytesByOwner(ort.heap.account), liveHandles: faults.liveHandles };
      const calls = await callsToLoad(name);
      expect(calls).toBeGreaterThan(0);
      for (let k = 0; k < calls; k++) {
        faults.fail(name, k);
        const result = await load().catch((error: unknown) => error);
        expect(faults.stop()).toBe(true);
        if (result instanceof Engine) {
          expect(result.status.heap.graphs).toBeGreaterThanOrEqual(graphBytes);
          await expectCorrectLogits(result);
        } else expectCleanError(result);
        expect({ k, account: bytesByOwner(ort.heap.account), liveHandles: faults.liveHandles }).toEqual({
          k,
          ...before,
        });
      }
      await expectCorrectLogits(await load());
    },
  );

  it('accounts for the whole first session after a failed attempt', async () => {
    // The engine's first allocations: the probe before the first session, the copy of its graph, the probe
    // after.
    for (const k of [0, 1, 2]) {
      ort = await startOrt(40 * MiB);
      faults.fail('_malloc', k);
      expectCleanError(await load().catch((error: unknown) => error));
      const engine = await load();
      expect(Math.abs(engine.status.heap.graphs - graphBytes)).toBeLessThan(KiB);
      await expectCorrectLogits(engine);
    }
  });

  it('marks onnxruntime as broken when it traps', async () => {
    faults.fail('_OrtCreateSession', 1, 1, () => {
      throw new WebAssembly.RuntimeError('unreachable');
    });
    await expect(load()).rejects.toThrow(EngineBrokenError);
    faults.stop();
    expect(ort.broken).toBe(true);
    ort = await startOrt(40 * MiB, ort.heap.memory);
    await expectCorrectLogits(await load());
  });

  it('throws a clean error and leaks nothing in a nearly full heap, whatever its free bytes', async () => {
    ort = await startOrt(40 * MiB);
    const before = { account: bytesByOwner(ort.heap.account), liveHandles: faults.liveHandles };
    for (let freeBytes = 128 * KiB; ; freeBytes += 64 * KiB) {
      const filler = ort.heap.allocate(before.account.available - freeBytes, 'cache');
      const result = await load().catch((error: unknown) => error);
      if (result instanceof Engine && result.status.slots.maximum >= TOKENS.length) {
        expect(freeBytes).toBeGreaterThan(graphBytes);
        return await expectCorrectLogits(result);
      }
      if (result instanceof Engine) {
        // The plan does not know of the filler, which left no page for the cache. The names of inputs stay.
        result.release();
      } else {
        expectCleanError(result);
      }
      ort.heap.free(filler);
      if (result instanceof Engine) before.liveHandles = faults.liveHandles;
      expect({ freeBytes, account: bytesByOwner(ort.heap.account), liveHandles: faults.liveHandles }).toEqual(
        { freeBytes, ...before },
      );
    }
  });
});

function expectCleanError(error: unknown): void {
  const isClean = [HeapExhaustedError, OrtError, ModelTooLargeError].some((type) => error instanceof type);
  expect(isClean, String(error)).toBe(true);
}

describe('onnxruntime', () => {
  it.each<Fallible>(['_malloc', '_OrtInit'])(
    'throws a clean error when %s fails at its start',
    async (name) => {
      faults.reset();
      faults.fail(name, 0);
      expectCleanError(await startOrt(40 * MiB).catch((error: unknown) => error));
      expect(faults.stop()).toBe(true);
    },
  );
});
