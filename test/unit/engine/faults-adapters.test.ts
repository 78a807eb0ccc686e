/**
 * @module Adapters while each call of onnxruntime or the allocator fails in turn, at loading and in passes that several
 * adapters share: clean errors, right results for all others, nothing held afterwards.
 */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Engine, type KernelModules } from '../../../engine/engine.ts';
import { folderSource, kernelModules, nodePlatform, startOrt } from '../../../engine/node/load-engine.ts';
import { HeapExhaustedError, OrtError } from '../../../engine/runtime/errors.ts';
import type { HeapAccount } from '../../../engine/runtime/heap.ts';
import type { Ort } from '../../../engine/runtime/ort.ts';
import { temporaryFolder } from '../../support/checkpoints.ts';
import { type Fallible, faults } from '../../support/faults.ts';
import { addWritten, loraTensors } from '../../support/lora-golden.ts';
import { ODD_F32, ODD_INT8 } from '../../support/models.ts';
import { appendAll, largestDifference } from '../../support/rows.ts';

vi.mock('onnxruntime-web/ort-wasm-simd-threaded.mjs', async (importActual) => {
  const { faulty } = await import('../../support/faults.ts');
  const { default: factory } =
    await importActual<typeof import('onnxruntime-web/ort-wasm-simd-threaded.mjs')>();
  return { default: faulty(factory) };
});

const SHAPES = { 'h.0.attn.c_attn': [60, 180], 'h.1.mlp.c_fc': [60, 100] } as const;
const ADAPTERS = { one: 4, two: 9 } as const;
const PROMPT = [3, 1, 4, 1, 5];
/** Each of the first calls fails in turn, and then every 7th. */
const EXHAUSTIVE_CALLS = 20;
const SAMPLING_INTERVAL = 7;

const bytesByOwner = ({ size: _, ...account }: HeapAccount) => account;
const nextCall = (k: number) => k + (k < EXHAUSTIVE_CALLS ? 1 : SAMPLING_INTERVAL);

function expectCleanError(error: unknown): void {
  expect(error instanceof HeapExhaustedError || error instanceof OrtError, String(error)).toBe(true);
}

/** At f32 the bits of a row depend on how many there are. */
function expectSame(rows: readonly Float32Array[], expected: readonly Float32Array[]): void {
  for (const [i, row] of rows.entries())
    expect(largestDifference(row, expected[i] ?? new Float32Array())).toBeLessThan(1e-5);
}

describe.each([
  ['f32', ODD_F32],
  ['int8', ODD_INT8],
])('adapters in %s', (_, original) => {
  let kernels: KernelModules;
  let dir: Awaited<ReturnType<typeof temporaryFolder>>;
  let model: string;
  let ort: Ort;
  beforeAll(async () => {
    [kernels, dir] = await Promise.all([kernelModules(), temporaryFolder()]);
    model = join(dir.path, 'model');
    await cp(original, model, { recursive: true });
    for (const [name, r] of Object.entries(ADAPTERS))
      await addWritten(model, name, { config: { r }, tensors: loraTensors(r, SHAPES), seed: r });
    faults.reset();
    ort = await startOrt(40 * 2 ** 20);
    // The first load stores the names of inputs, which are never freed.
    (await load()).release();
  });
  afterAll(() => dir[Symbol.asyncDispose]());

  const load = () =>
    Engine.load(ort, { kernels, platform: nodePlatform, source: folderSource(model), maxRows: 16 });

  it.each<Fallible>(['_malloc', '_OrtCreateSession', '_OrtCreateTensor'])(
    'leak nothing when any one call of %s fails while their model is loaded',
    async (name) => {
      const before = { account: bytesByOwner(ort.heap.account), liveHandles: faults.liveHandles };
      const callsBefore = faults.calls(name);
      (await load()).release();
      const calls = faults.calls(name) - callsBefore;
      for (let k = 0; k < calls; k = nextCall(k)) {
        faults.fail(name, k);
        const result = await load().catch((error: unknown) => error);
        expect(faults.stop()).toBe(true);
        if (result instanceof Engine) result.release();
        else expectCleanError(result);
        expect({ k, account: bytesByOwner(ort.heap.account), liveHandles: faults.liveHandles }).toEqual({
          k,
          ...before,
        });
      }
    },
  );

  it.each<Fallible>(['_malloc', '_OrtRun', '_OrtCreateTensor'])(
    'have right results or a clean error when any one call of %s fails in a shared pass',
    async (name) => {
      const engine = await load();
      const requests = [undefined, 'one', 'two'] as const;
      const run = async (adapter: string | undefined) => {
        const tree = engine.open(PROMPT.length, { adapter });
        try {
          const evaluations = appendAll(tree, null, PROMPT).map((node) => ({
            node,
            logits: new Float32Array(engine.vocabSize),
          }));
          await tree.evaluate(evaluations);
          return evaluations.map(({ logits }) => logits);
        } finally {
          tree.close();
        }
      };
      const runAll = () => Promise.allSettled(requests.map(run));
      const expected = (await runAll()).map((result) =>
        result.status === 'fulfilled' ? result.value : null,
      );
      expect(expected).not.toContain(null);
      const callsBefore = faults.calls(name);
      expect(await runAll()).toEqual(expected.map((value) => ({ status: 'fulfilled', value })));
      const calls = faults.calls(name) - callsBefore;
      for (let k = 0; k < calls; k = nextCall(k)) {
        faults.fail(name, k);
        const results = await runAll();
        faults.stop();
        const failed = results.filter(({ status }) => status === 'rejected');
        // A pass that fails runs again for each request alone.
        expect(failed.length, `${name} ${k}`).toBeLessThanOrEqual(1);
        for (const [i, result] of results.entries()) {
          if (result.status === 'rejected') expectCleanError(result.reason);
          else expectSame(result.value, expected[i] ?? []);
        }
        expect(engine.broken).toBe(false);
        expect(engine.status).toMatchObject({
          requests: 0,
          waitingRows: 0,
          slots: { reserved: 0, taken: 0 },
        });
        expect(engine.status.adapters.loaded.map(({ uses }) => uses)).toEqual([0, 0]);
      }
      engine.release();
      expect(ort.heap.account).toMatchObject({ weights: 0, adapters: 0, activations: 0, cache: 0 });
    },
  );
});
