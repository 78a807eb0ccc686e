/** @module GPT-2 124M in one isolate: its total memory under load stays below 128 MB. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ISOLATE_BYTES, type IsolateMemory, measureIsolate, totalOf } from '../../bench/memory/isolate.ts';
import { ensureInt4Model, INT4_MODEL } from '../../bench/models.ts';

/**
 * Garbage beyond the limit. V8 collects young objects when they fill their space, whatever an isolate's limit is; the
 * states and masks of constraints let that space grow.
 */
const YOUNG_BYTES = { one: 0, several: 2e6, constrained: 8e6 };

describe('GPT-2 124M at 4 bits in workerd', () => {
  let memory: IsolateMemory;
  beforeAll(async () => {
    await ensureInt4Model();
    memory = await measureIsolate(INT4_MODEL, true);
  }, 900_000);

  /** All samples of live objects. */
  const beforePeaks = () => memory.samples.filter(({ isPeak }) => !isPeak);

  it('has cache space for a prompt of 256 tokens and 4 beams of 64 more', () => {
    expect(memory.plan).toMatchObject({ cache: 'int8' });
    expect(memory.plan.slots).toBeGreaterThanOrEqual(256 + 4 * 63);
  });

  it('uses less than 128 MB in total after each step of the load', () => {
    expect(memory.samples).toHaveLength(22);
    for (const { after, wasm, javaScript } of beforePeaks()) {
      expect(wasm + totalOf(javaScript), after).toBeLessThan(ISOLATE_BYTES);
    }
  });

  it('would use less than 128 MB with a heap of the maximum size', () => {
    const javaScript = Math.max(...beforePeaks().map((sample) => totalOf(sample.javaScript)));
    // The plan's maximum includes the requests' JavaScript, which the samples count already.
    const { maximum, requests } = memory.plan.bytes;
    expect(maximum - requests + javaScript).toBeLessThan(ISOLATE_BYTES);
  });

  it('leaves little garbage after each step', () => {
    for (const { after, wasm, uncollected, constrained } of beforePeaks()) {
      const young = constrained ? YOUNG_BYTES.constrained : YOUNG_BYTES.one;
      expect(wasm + totalOf(uncollected), after).toBeLessThan(ISOLATE_BYTES + young);
    }
    const [accepted] = memory.samples.filter(({ isPeak }) => isPeak);
    expect(accepted?.after).toMatch(/^the accepted ones at the same time/);
    expect(accepted && accepted.wasm + totalOf(accepted.uncollected)).toBeLessThan(
      ISOLATE_BYTES + YOUNG_BYTES.several,
    );
  });

  it('keeps the heap within its maximum, and its JavaScript within 1 MB after more requests', () => {
    const [, first, later] = memory.samples;
    expect(later?.wasm).toBeLessThanOrEqual(memory.plan.bytes.maximum);
    const growth =
      totalOf((later as (typeof memory.samples)[number]).javaScript) -
      totalOf((first as (typeof memory.samples)[number]).javaScript);
    expect(growth).toBeLessThan(1e6);
  });
});
