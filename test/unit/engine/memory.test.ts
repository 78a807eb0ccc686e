/**
 * @module The heap keeps to its account: what is promised is there when it is asked for, and no byte is taken that
 * nobody answers for.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TreeNode } from '../../../decoding/interface/token-tree.ts';
import { SlotsExhaustedError } from '../../../engine/cache/errors.ts';
import type { Engine } from '../../../engine/engine.ts';
import { loadEngine, startOrt } from '../../../engine/node/load-engine.ts';
import { HeapExhaustedError } from '../../../engine/runtime/errors.ts';
import { type HeapAccount, PAGE_BYTES } from '../../../engine/runtime/heap.ts';
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
/** A WebAssembly heap of onnxruntime begins with so much. */
const INITIAL_BYTES = 16 * MiB;
/** How far `Heap.top` looks beyond what is allocated. */
const PROBE_BYTES = MiB;

const promised = ({ maximum, available }: HeapAccount) => maximum - available;

/** Passes of as many rows as go into one, all at the end of the longest paths, all with logits. */
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
  it('the heap holds one copy of the weights and no more, at any time', async () => {
    const engine = await loadEngine(model);
    const { heap } = engine.status;
    expect(heap.weights).toBe(engine.manifest.shards.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(heap.graphs).toBeLessThan(1.2 * MiB);
    // The heap never shrinks: this is also the most it ever had.
    const needed = heap.onnxruntime + heap.weights + heap.graphs;
    expect(heap.size).toBeLessThanOrEqual(Math.max(INITIAL_BYTES, needed + PROBE_BYTES + 2 * PAGE_BYTES));
    engine.release();
  });

  it.each([1, 8, 64])(
    'passes of %i rows fit beside a full cache, and the account has foreseen them',
    async (maxRows) => {
      const probe = await loadEngine(model, { maxRows });
      const needed = promised(probe.status.heap);
      probe.release();
      // Room for some slots, and a heap that ends above its initial size: every byte more would show.
      const maximumBytes = Math.max(INITIAL_BYTES, needed) + 3 * MiB;
      const engine = await loadEngine(model, { maxRows, maximumBytes });
      const { maximum } = engine.status.slots;
      engine.open(maximum).close();
      expect(engine.status.slots.capacity).toBe(maximum);
      await runLargestPasses(engine, maxRows);

      const { heap } = engine.status;
      expect(heap.maximum).toBeLessThanOrEqual(maximumBytes);
      expect(heap.size).toBeLessThanOrEqual(promised(heap) + PAGE_BYTES);
      expect(heap.size).toBeLessThanOrEqual(heap.maximum);
      engine.release();
    },
  );
});

describe('an engine', () => {
  it('can open a tree of exactly as many nodes as it says, again and again', async () => {
    const engine = await loadEngine(ODD_INT8, { maximumBytes: 18 * MiB });
    const { maximum } = engine.status.slots;
    const impossible = new SlotsExhaustedError(maximum + 1, maximum, maximum);
    for (let time = 0; time < 3; time++) {
      expect(() => engine.open(maximum + 1)).toThrow(impossible);
      const tree = engine.open(maximum);
      expect(() => engine.open(1)).toThrow(new SlotsExhaustedError(1, 0, maximum));
      tree.close();
      expect(engine.status.slots.maximum).toBe(maximum);
    }
    engine.release();
  });

  it('leaks nothing, whatever is opened, used and closed', async () => {
    const engine = await loadEngine(ODD_INT8, { maximumBytes: 24 * MiB });
    const expected = await sequenceLogits(engine, [1, 2, 3]);
    await sequenceLogits(engine, Array(engine.contextLength).fill(1));
    const { cache, available, size: _, ...settled } = engine.status.heap;
    const settledTotal = available + cache;
    const sizes = fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 6 });
    const check = async (opened: number[]) => {
      const trees = opened.flatMap((nodes) => {
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
      expect(heap).toMatchObject(settled);
      expect(heap.available + heap.cache).toBe(settledTotal);
      expect({ requests, ...slots }).toMatchObject({ requests: 0, reserved: 0, taken: 0 });
    };
    await fc.assert(fc.asyncProperty(sizes, check), { numRuns: 20 });
    expect(await sequenceLogits(engine, [1, 2, 3])).toEqual(expected);
    engine.release();
  });

  it('goes on with the same logits after it had to refuse', async () => {
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
  it('refuses what would pass its maximum, and has allocated nothing then', async () => {
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
    expect(() => heap.borrow(20 * MiB)).toThrow(HeapExhaustedError);
    expect({ ...heap.account, size: 0 }).toEqual({ ...account, size: 0 });
  });

  it('that is too small for onnxruntime itself is refused as such', async () => {
    await expect(startOrt(8 * MiB)).rejects.toThrow(
      new HeapExhaustedError('onnxruntime', INITIAL_BYTES, 8 * MiB),
    );
  });
});
