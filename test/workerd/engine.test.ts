/** @module The engine in workerd, with models from static assets and from R2. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { Engine } from '../../engine/engine.ts';
import { ModelTooLargeError } from '../../engine/model/errors.ts';
import { Ort } from '../../engine/runtime/ort.ts';
import { workerdPlatform } from '../../worker/isolate/platform.ts';
import { assetsSource, bucketSource } from '../../worker/isolate/sources.ts';
import { modules } from '../../worker/modules.ts';
import golden from '../golden/logits-odd.json';
import seeded from '../golden/seeded.json';
import { largestDifference, sequenceLogits } from '../support/rows.ts';
import { generateSeeded } from '../support/seeded.ts';
import { bucket, copyModelToBucket } from './bucket.ts';

const MIB = 2 ** 20;

async function load(name: string, maximumBytes = 100 * MIB): Promise<Engine> {
  const ort = await Ort.start(modules.onnxruntime, maximumBytes);
  return Engine.load(ort, {
    source: assetsSource(env.ASSETS, `${name}/`),
    platform: workerdPlatform,
    kernels: modules.kernels,
  });
}

describe('the engine in workerd', () => {
  it('computes the logits of transformers, for one token up to the whole context', async () => {
    const engine = await load('odd-f32');
    for (const { ids, last_row } of golden.cases) {
      const expected = new Float32Array(Uint8Array.fromBase64(last_row).buffer);
      const rows = await sequenceLogits(engine, ids);
      expect(largestDifference(expected, rows.at(-1) as Float32Array)).toBeLessThanOrEqual(1e-3);
    }
    engine.release();
  });

  it.each(['int8', 'int4'] as const)(
    'generates the same tokens and bit-identical log-probabilities as in Node for a seed: %s',
    async (precision) => {
      const engine = await load(`default-${precision}`);
      expect(await generateSeeded(engine)).toEqual(seeded[precision]);
      engine.release();
    },
  );

  it('has a clock that counts computing, as often as passes are timed', async () => {
    const { now, pause } = workerdPlatform;
    const first = await now();
    for (let pass = 0; pass < 100; pass++) {
      if (pass % 8 === 0) await pause();
      const begin = await now();
      const until = Date.now() + 2;
      while (Date.now() < until);
      expect((await now()) - begin).toBeGreaterThanOrEqual(1);
    }
    expect((await now()) - first).toBeGreaterThanOrEqual(100);
  });

  it('never holds two copies of the weights in the heap', async () => {
    const engine = await load('default-f32');
    const { heap } = engine.status;
    const weights = engine.manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
    expect(heap.weights).toBe(weights);
    expect(heap.size - heap.onnxruntime - heap.graphs - heap.weights - heap.cache).toBeLessThan(4 * MIB);
    engine.release();
  });

  it('frees all of its memory on release, so that another engine can load into the same heap', async () => {
    const ort = await Ort.start(modules.onnxruntime, 64 * MIB);
    const options = {
      source: assetsSource(env.ASSETS, 'default-f32/'),
      platform: workerdPlatform,
      kernels: modules.kernels,
    };
    const first = await Engine.load(ort, options);
    first.release();
    const before = ort.heap.account;
    const second = await Engine.load(ort, options);
    second.release();
    expect(ort.heap.account).toEqual(before);
    expect(before).toMatchObject({ weights: 0, cache: 0, activations: 0 });
  });

  it('refuses a model larger than its heap, then loads a smaller one', async () => {
    const ort = await Ort.start(modules.onnxruntime, 30 * MIB);
    const optionsFor = (name: string) => ({
      source: assetsSource(env.ASSETS, `${name}/`),
      platform: workerdPlatform,
      kernels: modules.kernels,
    });
    await expect(Engine.load(ort, optionsFor('default-f32'))).rejects.toThrow(ModelTooLargeError);
    const engine = await Engine.load(ort, optionsFor('default-int8'));
    expect(engine.status.heap.size).toBeLessThanOrEqual(30 * MIB);
    engine.release();
  });

  it('computes the same logits from R2 as from static assets', async () => {
    await copyModelToBucket('odd-int8');
    const ort = await Ort.start(modules.onnxruntime, 64 * MIB);
    const fromBucket = await Engine.load(ort, {
      source: bucketSource(bucket, 'odd-int8/'),
      platform: workerdPlatform,
      kernels: modules.kernels,
    });
    const fromAssets = await load('odd-int8');
    const ids = [1, 2, 3, 4, 5];
    expect(await sequenceLogits(fromBucket, ids)).toEqual(await sequenceLogits(fromAssets, ids));
  });
});
