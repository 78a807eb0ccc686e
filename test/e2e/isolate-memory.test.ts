/** @module GPT-2 124M in one isolate: its total memory under load stays below 128 MB. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ISOLATE_BYTES, type IsolateMemory, measureIsolate, totalOf } from '../../bench/memory/isolate.ts';
import { ensureInt4Model, INT4_MODEL } from '../../bench/models.ts';

describe('GPT-2 124M at 4 bits in workerd', () => {
  let memory: IsolateMemory;
  beforeAll(async () => {
    await ensureInt4Model();
    memory = await measureIsolate(INT4_MODEL);
  }, 600_000);

  it('has cache space for a prompt of 256 tokens and 4 beams of 64 more', () => {
    expect(memory.plan).toMatchObject({ cache: 'int8' });
    expect(memory.plan.slots).toBeGreaterThanOrEqual(256 + 4 * 63);
  });

  it('uses less than 128 MB in total after each step of the load', () => {
    expect(memory.samples).toHaveLength(4);
    for (const { after, wasm, javaScript } of memory.samples) {
      expect(wasm + totalOf(javaScript), after).toBeLessThan(ISOLATE_BYTES);
    }
  });

  it('would use less than 128 MB with a heap of the maximum size', () => {
    const javaScript = Math.max(...memory.samples.map((sample) => totalOf(sample.javaScript)));
    expect(memory.plan.bytes.maximum + javaScript).toBeLessThan(ISOLATE_BYTES);
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
