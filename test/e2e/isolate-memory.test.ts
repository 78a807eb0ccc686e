/** @module GPT-2 124M in one isolate: all of its memory, while it works, stays below 128 MB. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ISOLATE_BYTES, type IsolateMemory, measureIsolate, totalOf } from '../../bench/memory/isolate.ts';
import { ensureInt4Model, INT4_MODEL } from '../../bench/models.ts';

describe('GPT-2 124M at 4 bits in workerd', () => {
  let memory: IsolateMemory;
  beforeAll(async () => {
    await ensureInt4Model();
    memory = await measureIsolate(INT4_MODEL);
  }, 600_000);

  it('has room for 256 tokens and 4 beams of 64 more', () => {
    expect(memory.plan).toMatchObject({ cache: 'int8' });
    expect(memory.plan.slots).toBeGreaterThanOrEqual(256 + 4 * 63);
  });

  it('takes less than 128 MB for everything, whatever it has done', () => {
    expect(memory.samples).toHaveLength(4);
    for (const { after, wasm, javaScript } of memory.samples) {
      expect(wasm + totalOf(javaScript), after).toBeLessThan(ISOLATE_BYTES);
    }
  });

  it('would with a heap that has grown to its maximum', () => {
    const javaScript = Math.max(...memory.samples.map((moment) => totalOf(moment.javaScript)));
    expect(memory.plan.bytes.maximum + javaScript).toBeLessThan(ISOLATE_BYTES);
  });

  it('keeps of a request only what it says: tokens in the cache, up to the maximum of the heap', () => {
    const [, first, later] = memory.samples;
    expect(later?.wasm).toBeLessThanOrEqual(memory.plan.bytes.maximum);
    const growth =
      totalOf((later as (typeof memory.samples)[number]).javaScript) -
      totalOf((first as (typeof memory.samples)[number]).javaScript);
    expect(growth).toBeLessThan(1e6);
  });
});
