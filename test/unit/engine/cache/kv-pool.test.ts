/** @module The key-value pool against a model of it: allocation, growth, and failures that lose nothing. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { SlotsExhaustedError } from '../../../../engine/cache/errors.ts';
import { KeyValuePool } from '../../../../engine/cache/kv-pool.ts';
import { startOrt } from '../../../../engine/node/load-engine.ts';
import type { Heap } from '../../../../engine/runtime/heap.ts';
import type { ModelConfig } from '../../../../model-assets/format/manifest.ts';

const config: ModelConfig = {
  n_layer: 3,
  n_head: 5,
  n_embd: 60,
  n_inner: 100,
  n_positions: 96,
  vocab_size: 307,
  layer_norm_epsilon: 1e-5,
  activation_function: 'relu',
  scale_attn_weights: true,
  scale_attn_by_inverse_layer_idx: false,
  tie_word_embeddings: true,
  bos_token_id: null,
  eos_token_ids: [],
};
const FLOAT_BYTES = 4;
const SLOT_BYTES = config.n_layer * 2 * config.n_embd * FLOAT_BYTES;

/** Views of a slot: its keys and values of every layer. */
function rowsOf(pool: KeyValuePool, heap: Heap, slot: number): Float32Array[] {
  const layers = Array.from({ length: config.n_layer }, (_, layer) => slot + layer * pool.layerOffset);
  const rows = layers.flatMap((keys) => [keys, keys + pool.valueOffset]);
  return rows.map((address) => heap.floats(address, config.n_embd));
}

const command = fc.oneof(
  fc.record({ do: fc.constant('open' as const), size: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ do: fc.constant('close' as const), pick: fc.nat() }),
  { weight: 4, arbitrary: fc.record({ do: fc.constant('allocate' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('free' as const), pick: fc.nat() }) },
);

describe('the key-value pool', () => {
  let heap: Heap;
  beforeEach(async () => {
    ({ heap } = await startOrt(20 * 2 ** 20));
    // The allocator's own overhead, which the engine reserves together with the buffers of a pass.
    heap.reserve(128 * 1024, 'activations');
  });

  it('allocates each slot to one tree, and never overwrites it for another', () => {
    const check = (commands: (typeof command extends fc.Arbitrary<infer T> ? T : never)[]) => {
      const before = heap.account;
      const pool = new KeyValuePool(heap, config, 'f32');
      const trees: { size: number; slots: Map<number, number> }[] = [];
      let stamp = 0;
      for (const step of commands) {
        const tree = step.do === 'open' ? undefined : trees[step.pick % trees.length];
        if (step.do === 'open') {
          pool.reserve(step.size);
          trees.push({ size: step.size, slots: new Map() });
        } else if (!tree) {
          continue;
        } else if (step.do === 'close') {
          for (const slot of tree.slots.keys()) pool.free(slot);
          pool.unreserve(tree.size);
          trees.splice(trees.indexOf(tree), 1);
        } else if (step.do === 'allocate' && tree.slots.size < tree.size) {
          const slot = pool.allocate();
          expect(trees.some(({ slots }) => slots.has(slot))).toBe(false);
          tree.slots.set(slot, ++stamp);
          for (const [i, row] of rowsOf(pool, heap, slot).entries()) row.fill(stamp + i / 8);
        } else if (step.do === 'free' && tree.slots.size > 0) {
          const slot = [...tree.slots.keys()][step.pick % tree.slots.size] as number;
          tree.slots.delete(slot);
          pool.free(slot);
        }
        expect(pool.reserved).toBe(trees.reduce((sum, { size }) => sum + size, 0));
        const allocated = trees.reduce((sum, { slots }) => sum + slots.size, 0);
        expect(pool.freeSlots).toBe(pool.capacity - allocated);
        expect(pool.capacity).toBeGreaterThanOrEqual(pool.reserved);
        expect(heap.account.cache).toBe(pool.capacity * SLOT_BYTES);
      }
      for (const [slot, written] of trees.flatMap(({ slots }) => [...slots])) {
        for (const [i, row] of rowsOf(pool, heap, slot).entries()) {
          expect(row.every((value) => value === Math.fround(written + i / 8))).toBe(true);
        }
      }
      pool.release();
      expect({ ...heap.account, size: 0 }).toEqual({ ...before, size: 0 });
    };
    fc.assert(fc.property(fc.array(command, { maxLength: 80 }), check), { numRuns: 60 });
  });

  it('can reserve exactly its maximum', () => {
    const pool = new KeyValuePool(heap, config, 'f32');
    const { maximum } = pool;
    expect(() => pool.reserve(maximum + 1)).toThrow(new SlotsExhaustedError(maximum + 1, maximum, maximum));
    expect(pool.capacity).toBe(0);
    pool.reserve(maximum);
    expect(pool).toMatchObject({ reserved: maximum, capacity: maximum, maximum });
    expect(heap.account.available).toBeLessThan(16 * SLOT_BYTES);
    expect(heap.size).toBeLessThanOrEqual(heap.account.maximum);
    const slots = new Set(Array.from({ length: maximum }, () => pool.allocate()));
    expect(slots.size).toBe(maximum);
    expect(() => pool.allocate()).toThrow('no slot is free');
    expect(() => pool.reserve(1)).toThrow(
      `1 tokens do not fit in the cache: 0 are free, ${maximum} is the most it can hold`,
    );
  });

  it('reports the number of free slots when some are reserved', () => {
    const pool = new KeyValuePool(heap, config, 'f32');
    const { maximum } = pool;
    pool.reserve(100);
    expect(() => pool.reserve(maximum)).toThrow(new SlotsExhaustedError(maximum, maximum - 100, maximum));
    pool.reserve(maximum - 100);
    pool.unreserve(maximum);
    pool.reserve(maximum);
  });

  it('grows for evictable slots, up to three quarters of its maximum', () => {
    const pool = new KeyValuePool(heap, config, 'f32');
    const { maximum } = pool;
    pool.reserve(20, 100);
    expect(pool).toMatchObject({ reserved: 20, capacity: 112 });
    pool.reserve(20, maximum);
    const { capacity } = pool;
    expect(pool.reserved).toBe(40);
    expect(capacity).toBeLessThanOrEqual((3 / 4) * maximum);
    expect(capacity).toBeGreaterThan((3 / 4) * maximum - 16);
    pool.reserve(maximum - 40, maximum);
    expect(pool).toMatchObject({ reserved: maximum, capacity: maximum });
  });

  it('is unchanged when the allocator fails while it grows', () => {
    const pool = new KeyValuePool(heap, config, 'f32');
    pool.reserve(20);
    const slots = Array.from({ length: 20 }, () => pool.allocate());
    for (const slot of slots) for (const row of rowsOf(pool, heap, slot)) row.fill(slot);
    const { account } = heap;
    const { capacity, maximum } = pool;
    // Allocates unaccounted memory: all but a few pages.
    const bytes = account.maximum - heap.allocationEnd('cache') - 40 * 16 * SLOT_BYTES;
    const unaccounted = heap.allocateReserved(bytes);
    expect(() => pool.reserve(maximum - 20)).toThrow(SlotsExhaustedError);
    expect({ ...heap.account, size: 0 }).toEqual({ ...account, size: 0 });
    expect(pool).toMatchObject({ capacity, reserved: 20, freeSlots: capacity - 20 });
    for (const slot of slots) {
      for (const row of rowsOf(pool, heap, slot))
        expect(row.every((value) => value === Math.fround(slot))).toBe(true);
    }
    heap.freeReserved(unaccounted);
    pool.reserve(maximum - 20);
  });
});
