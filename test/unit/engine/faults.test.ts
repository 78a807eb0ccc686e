/**
 * @module Many at once while onnxruntime or the allocator fails: who is hit gets a clean error, all others exactly what they get
 * alone, and nothing stays held.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TreeNode } from '../../../decoding/interface/token-tree.ts';
import { Engine } from '../../../engine/engine.ts';
import { Gpt2 } from '../../../engine/model/gpt2.ts';
import { folderSource, kernelModules, nodePlatform, startOrt } from '../../../engine/node/load-engine.ts';
import { EngineBrokenError, HeapExhaustedError, OrtError } from '../../../engine/runtime/errors.ts';
import type { Heap } from '../../../engine/runtime/heap.ts';
import type { Ort } from '../../../engine/runtime/ort.ts';
import { type Fallible, faults, type Held } from '../../support/faults.ts';
import { EVERY_KIND, type Told, tell } from '../../support/generations.ts';
import { ODD_INT4, ODD_INT8 } from '../../support/models.ts';

vi.mock('onnxruntime-web/ort-wasm-simd-threaded.mjs', async (importActual) => {
  const { faulty } = await import('../../support/faults.ts');
  const { default: factory } =
    await importActual<typeof import('onnxruntime-web/ort-wasm-simd-threaded.mjs')>();
  return { default: faulty(factory) };
});

/** Every call up to here fails once, and of those after it one in so many. */
const FIRST_CALLS = 40;
const THEN_ONE_IN = 17;

/** What passes that fail have rows of, by the first tokens of these. */
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
])('many at once in %s', (_, model) => {
  let ort: Ort;
  let engine: Engine;
  const alone = new Map<string, Told>();
  const kinds = Object.entries(EVERY_KIND);

  beforeAll(async () => {
    await load();
    for (const [kind, request] of kinds) {
      alone.set(kind, await tell(engine, request));
      engine.resetPrefixCache();
    }
  });
  afterAll(() => engine.release());

  async function load(used?: WebAssembly.Memory): Promise<void> {
    faults.reset();
    ort = await startOrt(24 * 2 ** 20, used);
    const source = folderSource(model);
    const kernels = await kernelModules();
    engine = await Engine.load(ort, { source, platform: nodePlatform, kernels, maxRows: 16 });
  }

  /** @returns why those failed that did; the others have told what they tell alone */
  async function all(): Promise<unknown[]> {
    engine.resetPrefixCache();
    const results = await Promise.allSettled(kinds.map(([, request]) => tell(engine, request)));
    return results.flatMap((result, i) => {
      if (result.status === 'rejected') return [result.reason];
      const kind = kinds[i]?.[0] as string;
      expect(result.value, kind).toEqual(alone.get(kind));
      return [];
    });
  }

  /** That nobody holds anything, but what is kept for later. */
  function expectNothingHeld(held: Held): void {
    expect(faults.held).toEqual(held);
    expect(engine.broken).toBe(false);
    const nothing = { requests: 0, waitingRequests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };
    expect(engine.status).toMatchObject(nothing);
    engine.resetPrefixCache();
    expect(engine.status.slots.cached).toBe(0);
  }

  it.each<Fallible>(['_malloc', '_OrtRun', '_OrtCreateTensor'])(
    'when %s fails, once in each place, at most one is told, and none whose pass was shared',
    async (name) => {
      expect(await all()).toEqual([]);
      const { held } = faults;
      const before = faults.calls(name);
      expect(await all()).toEqual([]);
      const calls = faults.calls(name) - before;
      let shared = 0;
      for (let k = 0; k < calls; k += k < FIRST_CALLS ? 1 : THEN_ONE_IN) {
        failedPasses.length = 0;
        faults.fail(name, k);
        const failed = await all();
        // Where the passes fall out a little differently there may be fewer calls.
        const hasFailed = faults.stop();
        expect(failedPasses, `${name} ${k}`).toHaveLength(hasFailed ? 1 : 0);
        const isShared = failedPasses.some((roots) => roots.size > 1);
        if (isShared) shared++;
        expect(failed.length, `${name} ${k}: ${failed}`).toBeLessThanOrEqual(isShared ? 0 : 1);
        for (const error of failed) expectClean(error);
        expectNothingHeld(held);
      }
      expect(shared).toBeGreaterThan(0);
      expect(await all()).toEqual([]);
      expectNothingHeld(held);
    },
  );

  it.each<Fallible>(['_malloc', '_OrtRun', '_OrtCreateTensor'])(
    'when %s fails for a while, whoever needs it is told, and it goes on as before',
    async (name) => {
      expect(await all()).toEqual([]);
      const { held } = faults;
      for (const k of [0, 33]) {
        faults.fail(name, k, Number.POSITIVE_INFINITY);
        const failed = await all();
        faults.stop();
        expect(failed).not.toEqual([]);
        for (const error of failed) expectClean(error);
        expectNothingHeld(held);
        expect(await all()).toEqual([]);
      }
    },
  );

  it('when onnxruntime lets an exception of C++ pass, once in some places, goes on', async () => {
    expect(await all()).toEqual([]);
    const { held } = faults;
    for (const name of ['_OrtRun', '_OrtCreateTensor'] as const) {
      for (const k of [0, 1, 20, 50]) {
        let calls = 0;
        faults.fail(name, 0, 1, () => {
          // It comes as its address.
          if (calls++ === k) throw 1_060_952;
          return false;
        });
        const failed = await all();
        faults.stop();
        expect(calls).toBeGreaterThan(k);
        expect(failed.length).toBeLessThanOrEqual(1);
        for (const error of failed) expectClean(error);
        expectNothingHeld(held);
      }
    }
    expect(await all()).toEqual([]);
  });

  it('when the heap is full but for a part of a pass, nobody is told anything wrong', async () => {
    let told = 0;
    for (const room of [16, 64, 128, 256, 512, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000]) {
      expect(await all()).toEqual([]);
      const { held } = faults;
      const rest = ort.heap.borrow(room);
      const everything = fill(ort.heap);
      ort.heap.giveBack(rest);
      const failed = await all();
      told += failed.length;
      if (engine.broken) {
        // onnxruntime aborts when it finds no memory where it cannot fail. It is started anew.
        for (const error of failed) if (!(error instanceof EngineBrokenError)) expectClean(error);
        await load(ort.heap.memory);
      } else {
        for (const error of failed) expectClean(error);
        for (const pointer of everything) ort.heap.giveBack(pointer);
        expectNothingHeld(held);
      }
    }
    expect(told).toBeGreaterThan(0);
    expect(await all()).toEqual([]);
  });
});

/** Takes all that is left of it, to the last hole. */
function fill(heap: Heap): number[] {
  const pointers: number[] = [];
  for (let bytes = 2 ** 20; bytes >= 16; bytes /= 4) {
    try {
      for (;;) pointers.push(heap.borrow(bytes));
    } catch (error) {
      expect(error).toBeInstanceOf(HeapExhaustedError);
    }
  }
  return pointers;
}

function rootOf(node: TreeNode): TreeNode {
  return node.parent ? rootOf(node.parent) : node;
}

function expectClean(error: unknown): void {
  expect(error instanceof HeapExhaustedError || error instanceof OrtError, String(error)).toBe(true);
}
