/**
 * @module The heap's accounting: reserved memory can be allocated, and every allocated byte is accounted for.
 */
import { cp } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TreeNode } from '../../../decoding/interface/token-tree.ts';
import { SlotsExhaustedError } from '../../../engine/cache/errors.ts';
import type { Engine } from '../../../engine/engine.ts';
import { loadEngine, startOrt } from '../../../engine/node/load-engine.ts';
import { HeapExhaustedError } from '../../../engine/runtime/errors.ts';
import { type HeapAccount, PAGE_BYTES } from '../../../engine/runtime/heap.ts';
import { convert } from '../../../model-assets/convert/convert.ts';
import { temporaryFolder, writeCheckpoint } from '../../support/checkpoints.ts';
import { addWritten, loraTensors } from '../../support/lora-golden.ts';
import {
  DEFAULT_F32,
  DEFAULT_INT4,
  DEFAULT_INT8,
  ODD_F32,
  ODD_INT4,
  ODD_INT8,
} from '../../support/models.ts';
import { appendAll, sequenceLogits } from '../../support/rows.ts';

const MiB = 2 ** 20;
/** Initial size of onnxruntime's WebAssembly heap. */
const INITIAL_BYTES = 16 * MiB;
/** The probe of `Heap.allocationEnd`. */
const PROBE_BYTES = MiB;

const accounted = ({ maximum, available }: HeapAccount) => maximum - available;

/** Runs the most expensive passes: `maxRows` rows with logits, each after the longest possible path. */
async function runLargestPasses(engine: Engine, maxRows: number): Promise<void> {
  const { contextLength, vocabSize } = engine;
  const { maximum } = engine.status.slots;
  const length = Math.min(contextLength - 1, maximum - maxRows);
  const tree = engine.open(length + maxRows);
  const past = appendAll(tree, null, Array(length).fill(1));
  await tree.evaluate(past.map((node) => ({ node })));
  for (let pass = 0; pass < 3; pass++) {
    const rows = Array.from({ length: maxRows }, () => ({
      node: tree.append(past.at(-1) as TreeNode, 2),
      logits: new Float32Array(vocabSize),
    }));
    await tree.evaluate(rows);
    for (const { node } of rows) tree.release(node);
  }
  tree.close();
}

describe.each([
  { name: 'the default model in int4', model: DEFAULT_INT4 },
  { name: 'the odd model in int4', model: ODD_INT4 },
  { name: 'the default model in int8', model: DEFAULT_INT8 },
  { name: 'the default model in f32', model: DEFAULT_F32 },
  { name: 'the odd model in int8', model: ODD_INT8 },
  { name: 'the odd model in f32', model: ODD_F32 },
])('with $name', ({ model }) => {
  it('the heap never contains more than one copy of the weights', async () => {
    const engine = await loadEngine(model);
    const { heap } = engine.status;
    expect(heap.weights).toBe(engine.manifest.shards.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(heap.graphs).toBeLessThan(1.2 * MiB);
    // The heap never shrinks: its size is also its maximum so far.
    const needed = heap.onnxruntime + heap.weights + heap.graphs;
    // Activations take the place of the probe.
    const beside = Math.max(PROBE_BYTES, heap.activations) + 2 * PAGE_BYTES;
    expect(heap.size).toBeLessThanOrEqual(Math.max(INITIAL_BYTES, needed + beside));
    engine.release();
  });

  it.each([1, 8, 64])(
    'passes of %i rows fit beside a full cache, within the accounted bytes',
    async (maxRows) => {
      const probe = await loadEngine(model, { maxRows });
      const needed = accounted(probe.status.heap);
      probe.release();
      // A heap above its initial size, with space for some slots: any unaccounted byte would make it grow.
      const maximumBytes = Math.max(INITIAL_BYTES, needed) + 3 * MiB;
      const engine = await loadEngine(model, { maxRows, maximumBytes });
      const { maximum } = engine.status.slots;
      engine.open(maximum).close();
      expect(engine.status.slots.capacity).toBe(maximum);
      await runLargestPasses(engine, maxRows);

      const { heap } = engine.status;
      expect(heap.maximum).toBeLessThanOrEqual(maximumBytes);
      expect(heap.size).toBeLessThanOrEqual(accounted(heap) + PAGE_BYTES);
      expect(heap.size).toBeLessThanOrEqual(heap.maximum);
      engine.release();
    },
  );
});

it.each([
  { precision: 'int8', maximumMiB: 60 },
  { precision: 'f32', maximumMiB: 80 },
] as const)(
  'an activation of many nodes stays within the accounted bytes at $precision',
  async (testCase) => {
    const { precision, maximumMiB } = testCase;
    await using dir = await temporaryFolder();
    // 64 rows of the activation take 4 MiB, which no gap of the heap can hide.
    await writeCheckpoint(dir.path, { n_layer: 1, n_inner: 16384, activation_function: 'sqrtsoftplus' });
    const out = `${dir.path}/model`;
    await convert({ source: dir.path, out, precision });
    const engine = await loadEngine(out, { maxRows: 64, maximumBytes: maximumMiB * MiB });
    engine.open(engine.status.slots.maximum).close();
    await runLargestPasses(engine, 64);
    const { heap } = engine.status;
    expect(heap.size).toBeLessThanOrEqual(accounted(heap) + PAGE_BYTES);
    engine.release();
  },
);

it.each([1, 8, 64])(
  'passes of %i rows of an f32 model with adapters stay within the accounted bytes',
  async (maxRows) => {
    await using dir = await temporaryFolder();
    const model = `${dir.path}/model`;
    await cp(DEFAULT_F32, model, { recursive: true });
    const tensors = loraTensors(8, { 'h.0.attn.c_attn': [256, 768] });
    await addWritten(model, 'one', { config: { r: 8 }, tensors, seed: 1 });
    const engine = await loadEngine(model, { maxRows, maximumBytes: 70 * MiB });
    engine.open(engine.status.slots.maximum).close();
    await runLargestPasses(engine, maxRows);
    const { heap, adapters } = engine.status;
    expect(adapters.maximum).toBe(heap.adapters);
    expect(heap.size).toBeLessThanOrEqual(accounted(heap) + PAGE_BYTES);
    engine.release();
  },
);

describe('an engine', () => {
  it('can repeatedly open a tree of exactly the maximum size', async () => {
    const engine = await loadEngine(ODD_INT8, { maximumBytes: 18 * MiB });
    const { maximum } = engine.status.slots;
    const tooLarge = new SlotsExhaustedError(maximum + 1, maximum, maximum);
    for (let time = 0; time < 3; time++) {
      expect(() => engine.open(maximum + 1)).toThrow(tooLarge);
      const tree = engine.open(maximum);
      expect(() => engine.open(1)).toThrow(new SlotsExhaustedError(1, 0, maximum));
      tree.close();
      expect(engine.status.slots.maximum).toBe(maximum);
    }
    engine.release();
  });

  it('leaks nothing, whatever trees are opened, used and closed', async () => {
    const engine = await loadEngine(ODD_INT8, { maximumBytes: 24 * MiB });
    const expected = await sequenceLogits(engine, [1, 2, 3]);
    await sequenceLogits(engine, Array(engine.contextLength).fill(1));
    const { size: _, unusedStack: __, ...account } = engine.status.heap;
    const { cache, onnxruntime, available, ...constant } = account;
    const cacheAndAvailable = cache + onnxruntime + available;
    const capacities = fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 6 });
    const check = async (capacities: number[]) => {
      const trees = capacities.flatMap((nodes) => {
        try {
          return [engine.open(nodes)];
        } catch (error) {
          expect(error).toBeInstanceOf(SlotsExhaustedError);
          return [];
        }
      });
      for (const tree of trees) {
        await tree.evaluate([{ node: tree.append(null, 1) }]);
        tree.close();
      }
      const { heap, slots, requests } = engine.status;
      expect(heap).toMatchObject(constant);
      expect(heap.cache + heap.onnxruntime + heap.available).toBe(cacheAndAvailable);
      expect({ requests, ...slots }).toMatchObject({ requests: 0, reserved: 0, taken: 0 });
    };
    await fc.assert(fc.asyncProperty(capacities, check), { numRuns: 20 });
    expect(await sequenceLogits(engine, [1, 2, 3])).toEqual(expected);
    engine.release();
  });

  it('gives the same logits after a rejected tree', async () => {
    const engine = await loadEngine(ODD_F32, { maximumBytes: 17.5 * MiB });
    const prompt = [3, 1, 4, 1, 5, 9, 2, 6];
    const before = await sequenceLogits(engine, prompt);
    const { slots } = engine.status;
    expect(() => engine.open(slots.maximum + 1)).toThrow(SlotsExhaustedError);
    expect(engine.status.slots).toEqual(slots);
    expect(await sequenceLogits(engine, prompt)).toEqual(before);
    engine.release();
  });
});

describe('a heap', () => {
  it('rejects what would exceed its maximum, and allocates nothing then', async () => {
    const { heap } = await startOrt(20 * MiB + 5);
    const { account } = heap;
    expect(account.maximum).toBe(20 * MiB);
    const error = new HeapExhaustedError('weights', account.available + 1, account.available);
    expect(() => heap.allocate(account.available + 1, 'weights')).toThrow(error);
    expect(() => heap.reserve(account.available + 1, 'cache')).toThrow(HeapExhaustedError);
    expect(heap.account).toEqual(account);
    const pointer = heap.allocate(account.available - 256 * 1024, 'weights');
    expect(heap.size).toBeLessThanOrEqual(heap.account.maximum);
    heap.free(pointer);
    expect(() => heap.free(pointer)).toThrow('is not allocated');
    expect(() => heap.allocateReserved(20 * MiB)).toThrow(HeapExhaustedError);
    expect({ ...heap.account, size: 0 }).toEqual({ ...account, size: 0 });
  });

  it('that is too small for onnxruntime itself is rejected', async () => {
    await expect(startOrt(8 * MiB)).rejects.toThrow(
      new HeapExhaustedError('onnxruntime', INITIAL_BYTES, 8 * MiB),
    );
  });
});
