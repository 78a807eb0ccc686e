/** @module GPT-2 124M in one isolate: its total memory under load stays below 128 MB, garbage included. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  ISOLATE_BYTES,
  type IsolateMemory,
  type MemorySample,
  measureIsolate,
  totalOf,
} from '../../bench/memory/isolate.ts';
import { INT4_MODEL } from '../../bench/models.ts';

/**
 * In bytes, some 2.5 MB above what is measured: live objects, and with the garbage that V8 has not collected, whose amount
 * depends on the machine. V8 collects young objects when they fill their space, whatever an isolate's limit is; the states
 * and masks of constraints let that space grow: after a large schema there were 5 MB of garbage, and once 12.
 */
const LIMITS = {
  live: { plain: 120e6, constrained: 123e6 },
  withGarbage: { plain: 124e6, constrained: 134e6, together: 127e6 },
};
const MAKE_MODELS = join(import.meta.dirname, '..', '..', 'bench', 'models.ts');
const kindOf = ({ constrained }: MemorySample) => (constrained ? 'constrained' : 'plain');

describe('GPT-2 124M at 4 bits in workerd', () => {
  let memory: IsolateMemory;
  beforeAll(async () => {
    // In a process of its own: in vitest's, every use of an import is a property's, and quantizing takes four times as long.
    await promisify(execFile)(process.execPath, [MAKE_MODELS]);
    memory = await measureIsolate(INT4_MODEL, true);
  }, 900_000);

  /** All samples of live objects. */
  const beforePeaks = () => memory.samples.filter(({ isPeak }) => !isPeak);

  it('has cache space for a prompt of 256 tokens and 4 beams of 64 more', () => {
    expect(memory.plan).toMatchObject({ cache: 'int8' });
    expect(memory.plan.slots).toBeGreaterThanOrEqual(256 + 4 * 63);
  });

  it('uses less than 123 MB in total after each step of the load, and 120 without constraints', () => {
    expect(memory.samples).toHaveLength(22);
    for (const sample of beforePeaks()) {
      expect(sample.wasm + totalOf(sample.javaScript), sample.after).toBeLessThan(
        LIMITS.live[kindOf(sample)],
      );
    }
  });

  it('would use less than 128 MB with a heap of the maximum size', () => {
    const javaScript = Math.max(...beforePeaks().map((sample) => totalOf(sample.javaScript)));
    // The plan's maximum includes the requests' JavaScript, which the samples count already.
    const { maximum, requests } = memory.plan.bytes;
    expect(maximum - requests + javaScript).toBeLessThan(ISOLATE_BYTES);
  });

  it('leaves little garbage after each step, and stays below 127 MB with all accepted requests at the same time', () => {
    for (const sample of beforePeaks()) {
      expect(sample.wasm + totalOf(sample.uncollected), sample.after).toBeLessThan(
        LIMITS.withGarbage[kindOf(sample)],
      );
    }
    const [accepted] = memory.samples.filter(({ isPeak }) => isPeak);
    expect(accepted?.after).toMatch(/^the accepted ones at the same time/);
    expect(accepted && accepted.wasm + totalOf(accepted.uncollected)).toBeLessThan(
      LIMITS.withGarbage.together,
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
