/**
 * @module Concurrent requests while onnxruntime or the allocator fails: the affected request gets a clean
 * error, all others exactly the results they get alone, and nothing leaks.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TreeNode } from '../../../decoding/interface/token-tree.ts';
import { Engine } from '../../../engine/engine.ts';
import { Gpt2 } from '../../../engine/model/gpt2.ts';
import { folderSource, kernelModules, nodePlatform, startOrt } from '../../../engine/node/load-engine.ts';
import { EngineBrokenError, HeapExhaustedError, OrtError } from '../../../engine/runtime/errors.ts';
import type { Heap } from '../../../engine/runtime/heap.ts';
import type { Ort } from '../../../engine/runtime/ort.ts';
import { type Fallible, faults, type LiveHandles } from '../../support/faults.ts';
import { EVERY_KIND, type EventsByPrompt, eventsByPrompt, request } from '../../support/generations.ts';
import { ODD_INT4, ODD_INT8 } from '../../support/models.ts';

vi.mock('onnxruntime-web/ort-wasm-simd-threaded.mjs', async (importActual) => {
  const { faulty } = await import('../../support/faults.ts');
  const { default: factory } =
    await importActual<typeof import('onnxruntime-web/ort-wasm-simd-threaded.mjs')>();
  return { default: faulty(factory) };
});

/** The tests let each of the first calls fail in turn, and then every 17th. */
const EXHAUSTIVE_CALLS = 40;
const SAMPLING_INTERVAL = 17;

/** The requests in each failed pass, identified by their first tokens. */
const failedPasses: Set<number>[] = [];
const original = Gpt2.prototype.forward;
vi.spyOn(Gpt2.prototype, 'forward').mockImplementation(function (this: Gpt2, rows) {
  try {
    original.call(this, rows);
  } catch (error) {
    failedPasses.push(new Set(rows.map(({ node }) => rootOf(node).token)));
    throw error;
  }
});

describe.each([
  ['int8', ODD_INT8],
  ['int4', ODD_INT4],
])('concurrent requests in %s', (_, model) => {
  let ort: Ort;
  let engine: Engine;
  const alone = new Map<string, EventsByPrompt>();
  const kinds = Object.entries(EVERY_KIND);

  beforeAll(async () => {
    await load();
    for (const [kind, given] of kinds) {
      alone.set(kind, await eventsByPrompt(engine, given));
      engine.resetPrefixCache();
    }
  });
  afterAll(() => engine.release());

  async function load(reusedMemory?: WebAssembly.Memory): Promise<void> {
    faults.reset();
    ort = await startOrt(24 * 2 ** 20, reusedMemory);
    const source = folderSource(model);
    const kernels = await kernelModules();
    engine = await Engine.load(ort, { source, platform: nodePlatform, kernels, maxRows: 16 });
  }

  /** Live handles when the cached passes are those of these prompts: a pass has handles by its number of rows. */
  async function handlesAtRest(): Promise<LiveHandles> {
    for (const rows of [1, 2, 3, 5]) {
      const prompt = Array.from({ length: rows }, (_, i) => 10 * rows + i);
      await eventsByPrompt(engine, request([prompt], { max_new_tokens: 1 }));
    }
    return faults.liveHandles;
  }

  /**
   * Runs all kinds concurrently and compares the successful ones with their results alone.
   * @returns the errors
   */
  async function runAll(): Promise<unknown[]> {
    engine.resetPrefixCache();
    const results = await Promise.allSettled(kinds.map(([, given]) => eventsByPrompt(engine, given)));
    return results.flatMap((result, i) => {
      if (result.status === 'rejected') return [result.reason];
      const kind = kinds[i]?.[0] as string;
      expect(result.value, kind).toEqual(alone.get(kind));
      return [];
    });
  }

  /** Expects that only the prefix cache uses slots. */
  async function expectNoLeaks(liveHandles: LiveHandles): Promise<void> {
    expect(await handlesAtRest()).toEqual(liveHandles);
    expect(engine.broken).toBe(false);
    const idle = { requests: 0, waitingRequests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };
    expect(engine.status).toMatchObject(idle);
    engine.resetPrefixCache();
    expect(engine.status.slots.cached).toBe(0);
  }

  it.each<Fallible>(['_malloc', '_OrtRun', '_OrtCreateTensor'])(
    'when any one call of %s fails, at most one request fails, and none in a shared pass',
    async (name) => {
      expect(await runAll()).toEqual([]);
      const liveHandles = await handlesAtRest();
      const before = faults.calls(name);
      expect(await runAll()).toEqual([]);
      const calls = faults.calls(name) - before;
      let sharedFailures = 0;
      for (let k = 0; k < calls; k += k < EXHAUSTIVE_CALLS ? 1 : SAMPLING_INTERVAL) {
        failedPasses.length = 0;
        faults.fail(name, k);
        const errors = await runAll();
        // With other timing the passes may make fewer calls.
        const wasInjected = faults.stop();
        expect(failedPasses, `${name} ${k}`).toHaveLength(wasInjected ? 1 : 0);
        const isShared = failedPasses.some((roots) => roots.size > 1);
        if (isShared) sharedFailures++;
        expect(errors.length, `${name} ${k}: ${errors}`).toBeLessThanOrEqual(isShared ? 0 : 1);
        for (const error of errors) expectCleanError(error);
        await expectNoLeaks(liveHandles);
      }
      expect(sharedFailures).toBeGreaterThan(0);
      expect(await runAll()).toEqual([]);
      await expectNoLeaks(liveHandles);
    },
  );

  it.each<Fallible>(['_malloc', '_OrtRun', '_OrtCreateTensor'])(
    'when every call of %s fails for a while, requests fail cleanly, and later ones succeed',
    async (name) => {
      expect(await runAll()).toEqual([]);
      const liveHandles = await handlesAtRest();
      for (const k of [0, 10]) {
        faults.fail(name, k, Number.POSITIVE_INFINITY);
        const errors = await runAll();
        faults.stop();
        expect(errors).not.toEqual([]);
        for (const error of errors) expectCleanError(error);
        await expectNoLeaks(liveHandles);
        expect(await runAll()).toEqual([]);
      }
    },
  );

  it('when onnxruntime throws a C++ exception, later requests succeed', async () => {
    expect(await runAll()).toEqual([]);
    const liveHandles = await handlesAtRest();
    for (const name of ['_OrtRun', '_OrtCreateTensor'] as const) {
      for (const k of [0, 1, 10, 20]) {
        let calls = 0;
        faults.fail(name, 0, 1, () => {
          // The glue throws a C++ exception as its address.
          if (calls++ === k) throw 1_060_952;
          return false;
        });
        const errors = await runAll();
        faults.stop();
        expect(calls).toBeGreaterThan(k);
        expect(errors.length).toBeLessThanOrEqual(1);
        for (const error of errors) expectCleanError(error);
        await expectNoLeaks(liveHandles);
      }
    }
    expect(await runAll()).toEqual([]);
  });

  it('when the free heap memory is too small for a pass, no request gets a wrong result', async () => {
    let failures = 0;
    for (const freeBytes of [16, 64, 128, 256, 512, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000]) {
      expect(await runAll()).toEqual([]);
      const liveHandles = await handlesAtRest();
      const spare = ort.heap.allocateReserved(freeBytes);
      const filler = fill(ort.heap);
      ort.heap.freeReserved(spare);
      const errors = await runAll();
      failures += errors.length;
      if (engine.broken) {
        // onnxruntime aborts when an allocation fails where it cannot return an error.
        for (const error of errors) if (!(error instanceof EngineBrokenError)) expectCleanError(error);
        await load(ort.heap.memory);
      } else {
        for (const error of errors) expectCleanError(error);
        for (const pointer of filler) ort.heap.freeReserved(pointer);
        await expectNoLeaks(liveHandles);
      }
    }
    expect(failures).toBeGreaterThan(0);
    expect(await runAll()).toEqual([]);
  });
});

/** Allocates all free memory, down to the smallest hole. */
function fill(heap: Heap): number[] {
  const pointers: number[] = [];
  for (let bytes = 2 ** 20; bytes >= 16; bytes /= 4) {
    try {
      for (;;) pointers.push(heap.allocateReserved(bytes));
    } catch (error) {
      expect(error).toBeInstanceOf(HeapExhaustedError);
    }
  }
  return pointers;
}

function rootOf(node: TreeNode): TreeNode {
  return node.parent ? rootOf(node.parent) : node;
}

function expectCleanError(error: unknown): void {
  expect(error instanceof HeapExhaustedError || error instanceof OrtError, String(error)).toBe(true);
}
