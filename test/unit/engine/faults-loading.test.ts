/** @module Loading a model when onnxruntime or the allocator fails, at each call in turn: a clean error, and nothing is held. */
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

/** What is held: all of the account but the size, since a heap does not shrink. */
const held = ({ size: _, ...account }: HeapAccount) => account;

describe.each([
  ['int8', ODD_INT8],
  ['int4', ODD_INT4],
])('a model in %s that is loaded', (_, model) => {
  let kernels: KernelModules;
  let ort: Ort;
  let expected: Float32Array[];
  /** What its sessions take. */
  let graphs: number;
  beforeAll(async () => {
    kernels = await kernelModules();
  });
  beforeEach(async () => {
    faults.reset();
    ort = await startOrt(40 * MiB);
    // Names of inputs stay where they are, for good.
    const engine = await load();
    expected = await sequenceLogits(engine, TOKENS);
    ({ graphs } = engine.status.heap);
    engine.release();
  });
  const load = () =>
    Engine.load(ort, { kernels, platform: nodePlatform, source: folderSource(model), maxRows: 8 });

  async function expectRight(engine: Engine): Promise<void> {
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
    'while %s fails, once in each place, says so and holds nothing',
    async (name) => {
      const before = { account: held(ort.heap.account), held: faults.held };
      const calls = await callsToLoad(name);
      expect(calls).toBeGreaterThan(0);
      for (let k = 0; k < calls; k++) {
        faults.fail(name, k);
        const result = await load().catch((error: unknown) => error);
        expect(faults.stop()).toBe(true);
        if (result instanceof Engine) {
          expect(result.status.heap.graphs).toBeGreaterThanOrEqual(graphs);
          await expectRight(result);
        } else expectClean(result);
        expect({ k, account: held(ort.heap.account), held: faults.held }).toEqual({ k, ...before });
      }
      await expectRight(await load());
    },
  );

  it('for the first time, does not take its sessions for smaller than they are', async () => {
    // The end of the heap is looked for before and after a session; between the two is the graph.
    for (const k of [0, 1, 2]) {
      ort = await startOrt(40 * MiB);
      faults.fail('_malloc', k);
      expectClean(await load().catch((error: unknown) => error));
      const engine = await load();
      expect(Math.abs(engine.status.heap.graphs - graphs)).toBeLessThan(KiB);
      await expectRight(engine);
    }
  });

  it('leaves an onnxruntime that is known to be broken when that traps', async () => {
    faults.fail('_OrtCreateSession', 1, 1, () => {
      throw new WebAssembly.RuntimeError('unreachable');
    });
    await expect(load()).rejects.toThrow(EngineBrokenError);
    faults.stop();
    expect(ort.broken).toBe(true);
    ort = await startOrt(40 * MiB, ort.heap.memory);
    await expectRight(await load());
  });

  it('into a heap that is nearly full, says so and holds nothing, however much is left', async () => {
    ort = await startOrt(40 * MiB);
    const before = { account: held(ort.heap.account), held: faults.held };
    for (let left = 128 * KiB; ; left += 64 * KiB) {
      const elsewhere = ort.heap.allocate(before.account.available - left, 'cache');
      const result = await load().catch((error: unknown) => error);
      if (result instanceof Engine) {
        expect(left).toBeGreaterThan(graphs);
        return await expectRight(result);
      }
      expectClean(result);
      ort.heap.free(elsewhere);
      expect({ left, account: held(ort.heap.account), held: faults.held }).toEqual({ left, ...before });
    }
  });
});

function expectClean(error: unknown): void {
  const clean = [HeapExhaustedError, OrtError, ModelTooLargeError].some((kind) => error instanceof kind);
  expect(clean, String(error)).toBe(true);
}

describe('onnxruntime', () => {
  it.each<Fallible>(['_malloc', '_OrtInit'])('does not start where %s fails', async (name) => {
    faults.reset();
    faults.fail(name, 0);
    expectClean(await startOrt(40 * MiB).catch((error: unknown) => error));
    expect(faults.stop()).toBe(true);
  });
});
