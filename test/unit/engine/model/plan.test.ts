/** @module The heap plan: its choices, and that the planned memory is available. */
import { describe, expect, it } from 'vitest';
import { ModelTooLargeError } from '../../../../engine/model/errors.ts';
import { describeAdapterSpace, describePlan, makePlan } from '../../../../engine/model/plan.ts';
import { loadEngine } from '../../../../engine/node/load-engine.ts';
import type { HeapAccount } from '../../../../engine/runtime/heap.ts';
import type { Manifest } from '../../../../model-assets/format/manifest.ts';
import { DEFAULT_INT4, DEFAULT_INT8, ODD_INT4 } from '../../../support/models.ts';
import { sequenceLogits } from '../../../support/rows.ts';

const MiB = 2 ** 20;

/** The part of GPT-2's manifest that a plan depends on. */
function gpt2(weightsMiB: number): Manifest {
  const config = {
    n_layer: 12,
    n_head: 12,
    n_embd: 768,
    n_inner: 3072,
    n_positions: 1024,
    vocab_size: 50257,
  };
  return {
    name: 'gpt2',
    precision: 'int4',
    config,
    shards: [{ bytes: weightsMiB * MiB }],
  } as unknown as Manifest;
}

const heap = (maximum: number) =>
  ({
    maximum: maximum * MiB,
    onnxruntime: 9 * MiB,
    unusedStack: 4 * MiB,
    graphs: MiB,
  }) as unknown as HeapAccount;

describe('for GPT-2 with 84 MiB of weights', () => {
  it.each([
    { maximum: 400, maxRows: 64, cache: 'f32' },
    { maximum: 200, maxRows: 64, cache: 'f32' },
    { maximum: 160, maxRows: 64, cache: 'int8' },
    { maximum: 118.5, maxRows: 16, cache: 'int8' },
    { maximum: 116, maxRows: 32, cache: 'int8' },
    { maximum: 110, maxRows: 32, cache: 'int8' },
    { maximum: 99, maxRows: 32, cache: 'int8' },
  ])('$maximum MiB: passes of $maxRows rows and a cache in $cache', ({ maximum, ...expected }) => {
    expect(makePlan(heap(maximum), gpt2(84))).toMatchObject(expected);
  });

  it('a larger heap never holds fewer tokens at the same precision', () => {
    let previous = { slots: 0, cache: 'int8' };
    for (let maximum = 98; maximum <= 200; maximum += 0.25) {
      const plan = makePlan(heap(maximum), gpt2(84));
      if (plan.cache === previous.cache && plan.slots < 1024) {
        expect(plan.slots).toBeGreaterThanOrEqual(previous.slots);
      }
      const { maximum: total, ...parts } = plan.bytes;
      expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
      previous = plan;
    }
  });

  it('a heap without room for a minimal cache is refused, with a breakdown', () => {
    expect(() => makePlan(heap(97), gpt2(84))).toThrow(ModelTooLargeError);
    expect(() => makePlan(heap(97), gpt2(84))).toThrow(
      /^gpt2 does not fit: onnxruntime 7\.8 \+ graphs 1\.0 \+ weights 84\.0 \+ activations \d\.\d \+ a cache of 64 tokens 1\.2 = \d+\.\d MiB, and the heap's maximum is 97\.0 MiB\. HINT: use a smaller model, or/,
    );
  });

  it('describes itself in one line', () => {
    expect(describePlan(makePlan(heap(110), gpt2(84)))).toMatch(
      /^110\.0 MiB = onnxruntime 5\.1 \+ graphs 1\.0 \+ weights 84\.0 \+ activations \d\.\d \+ requests 4\.\d \+ cache 12\.\d; the cache is int8 and holds \d+ tokens, a pass has up to 32 rows$/,
    );
  });
});

describe('for GPT-2 with adapters', () => {
  const withAdapters = (...sizes: readonly number[]) =>
    ({
      ...gpt2(84),
      adapters: sizes.map((size) => ({ file: { bytes: size * MiB } })),
    }) as unknown as Manifest;

  it.each([
    { sizes: [], adapters: 0, name: 'none' },
    { sizes: [0.5, 0.5, 1], adapters: 2, name: 'all, where they are small' },
    { sizes: [4.75], adapters: 4.75, name: 'the largest, where it is more than a quarter of the rest' },
    { sizes: Array<number>(40).fill(0.5), adapters: null, name: 'a quarter of the rest' },
    { sizes: [0.5, 500], adapters: 0.5, name: 'what fits, whatever else there is' },
  ])('has space for $name', ({ sizes, adapters }) => {
    const { bytes, slots } = makePlan(heap(110), withAdapters(...sizes));
    const { maximum, ...parts } = bytes;
    expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBe(maximum);
    expect(Math.min(...Object.values(parts))).toBeGreaterThanOrEqual(0);
    expect(slots).toBeGreaterThanOrEqual(64);
    if (adapters === null) {
      const rest = bytes.adapters + bytes.requests + bytes.cache;
      expect(Math.abs(bytes.adapters - rest / 4)).toBeLessThan(2);
    } else expect(bytes.adapters).toBe(adapters * MiB);
  });

  it('leaves a cache and memory for requests in any heap that the model fits, and says the sum', () => {
    for (let maximum = 98; maximum <= 130; maximum += 0.5) {
      const plan = makePlan(heap(maximum), withAdapters(1, 3, 9, 27));
      expect(plan.slots).toBeGreaterThanOrEqual(64);
      expect(plan.bytes.adapters).toBeGreaterThanOrEqual(0);
      const without = makePlan(heap(maximum), gpt2(84));
      // Two rows of 50,257 logits, and the objects of a request.
      expect(plan.bytes.requests).toBeGreaterThanOrEqual(Math.min(without.bytes.requests, 5e5));
    }
    const plan = makePlan(heap(110), withAdapters(500));
    expect(describeAdapterSpace(plan)).toMatch(
      /^110\.0 MiB less onnxruntime \d\.\d \+ graphs 1\.0 \+ weights 84\.0 \+ .* = 0\.0 MiB$/,
    );
  });
});

describe.each([
  { name: 'the default model at 8 bits', model: DEFAULT_INT8 },
  { name: 'the default model at 4 bits', model: DEFAULT_INT4 },
  { name: 'the odd model at 4 bits', model: ODD_INT4 },
])('with $name', ({ model }) => {
  it.each(['f32', 'int8'] as const)('a cache in %s has the planned slots', async (cache) => {
    const engine = await loadEngine(model, { cache, maximumBytes: 24 * MiB });
    const { slots } = engine.plan;
    expect(engine.status.slots.maximum).toBeLessThanOrEqual(slots);
    expect(engine.status.slots.maximum).toBeGreaterThanOrEqual(slots - 16);
    engine.open(engine.status.slots.maximum).close();
    engine.release();
  });

  it('a cache in int8 changes the logits only slightly', async () => {
    const f32 = await loadEngine(model, { cache: 'f32' });
    const int8 = await loadEngine(model, { cache: 'int8' });
    const tokens = Array.from({ length: 80 }, (_, i) => (i * 97 + 11) % f32.vocabSize);
    const [expected, found] = [await sequenceLogits(f32, tokens), await sequenceLogits(int8, tokens)];
    let [squares, differences] = [0, 0];
    for (const [i, row] of expected.entries()) {
      for (const [j, value] of row.entries()) {
        squares += value ** 2;
        differences += (((found[i] as Float32Array)[j] as number) - value) ** 2;
      }
    }
    expect(differences).toBeGreaterThan(0);
    expect(Math.sqrt(differences / squares)).toBeLessThan(0.02);
    f32.release();
    int8.release();
  });
});
