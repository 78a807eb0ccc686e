/** @module The engine where it will live: in workerd, reading static assets and R2. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { Engine } from '../../engine/engine.ts';
import { ModelTooLargeError } from '../../engine/model/errors.ts';
import { Ort } from '../../engine/runtime/ort.ts';
import { assetsSource, bucketSource, workerdPlatform } from '../../worker/isolate/platform.ts';
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
  it('gives the logits of transformers, from one token to the whole context', async () => {
    const engine = await load('odd-f32');
    for (const { ids, last_row } of golden.cases) {
      const expected = new Float32Array(Uint8Array.fromBase64(last_row).buffer);
      const rows = await sequenceLogits(engine, ids);
      expect(largestDifference(expected, rows.at(-1) as Float32Array)).toBeLessThanOrEqual(1e-3);
    }
    engine.release();
  });

  it.each(['int8', 'int4'] as const)(
    'makes of a seed the same text as in Node, to the last bit: %s',
    async (precision) => {
      const engine = await load(`default-${precision}`);
      expect(await generateSeeded(engine)).toEqual(seeded[precision]);
      engine.release();
    },
  );

  it('holds the weights once: the heap never has room for a second copy', async () => {
    const engine = await load('default-f32');
    const { heap } = engine.status;
    const weights = engine.manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
    expect(heap.weights).toBe(weights);
    expect(heap.size - heap.onnxruntime - heap.graphs - heap.weights - heap.cache).toBeLessThan(4 * MIB);
    engine.release();
  });

  it('gives everything back, and loads again in the same heap', async () => {
    const ort = await Ort.start(modules.onnxruntime, 64 * MIB);
    const options = {
      source: assetsSource(env.ASSETS, 'default-f32/'),
      platform: workerdPlatform,
      kernels: modules.kernels,
    };
    const names = await Engine.load(ort, options);
    names.release();
    const before = ort.heap.account;
    const engine = await Engine.load(ort, options);
    engine.release();
    expect(ort.heap.account).toEqual(before);
    expect(before).toMatchObject({ weights: 0, cache: 0, activations: 0 });
  });

  it('refuses a model that is bigger than its heap, and then loads one that is not', async () => {
    const ort = await Ort.start(modules.onnxruntime, 30 * MIB);
    const from = (name: string) => ({
      source: assetsSource(env.ASSETS, `${name}/`),
      platform: workerdPlatform,
      kernels: modules.kernels,
    });
    await expect(Engine.load(ort, from('default-f32'))).rejects.toThrow(ModelTooLargeError);
    const engine = await Engine.load(ort, from('default-int8'));
    expect(engine.status.heap.size).toBeLessThanOrEqual(30 * MIB);
    engine.release();
  });

  it('reads from R2 as from the assets', async () => {
    await copyModelToBucket('odd-int8');
    const ort = await Ort.start(modules.onnxruntime, 64 * MIB);
    const engine = await Engine.load(ort, {
      source: bucketSource(bucket, 'odd-int8/'),
      platform: workerdPlatform,
      kernels: modules.kernels,
    });
    const other = await load('odd-int8');
    const ids = [1, 2, 3, 4, 5];
    const [a, b] = [await sequenceLogits(engine, ids), await sequenceLogits(other, ids)];
    expect(a).toEqual(b);
  });
});
