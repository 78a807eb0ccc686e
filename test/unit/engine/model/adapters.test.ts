/** @module The adapters of an engine: their space, when they are read and when they give way, and faulty files. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { AdaptersExhaustedError } from '../../../../engine/cache/errors.ts';
import { Engine, type KernelModules } from '../../../../engine/engine.ts';
import { type Adapter, type AdapterReading, Adapters } from '../../../../engine/model/adapters.ts';
import { ModelFilesError, UnknownAdapterError } from '../../../../engine/model/errors.ts';
import { type ModelSource, readManifest } from '../../../../engine/model/model-source.ts';
import { folderSource, kernelModules, nodePlatform, startOrt } from '../../../../engine/node/load-engine.ts';
import type { Ort } from '../../../../engine/runtime/ort.ts';
import type { Manifest } from '../../../../model-assets/format/manifest.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';
import { addWritten, loraTensors } from '../../../support/lora-golden.ts';
import { ODD_INT8 } from '../../../support/models.ts';
import { appendAll, sequenceLogits } from '../../../support/rows.ts';

const PROMPT = [5, 1, 200, 256];
/** Ranks by name: the files grow with them. */
const RANKS = { small: 2, medium: 16, large: 48 } as const;

let ort: Ort;
let kernels: KernelModules;
let model: string;
let manifest: Manifest;
let source: ModelSource;
const bytes: Record<string, number> = {};
beforeAll(async () => {
  [ort, kernels] = await Promise.all([startOrt(), kernelModules()]);
  const dir = await temporaryFolder();
  model = join(dir.path, 'model');
  await cp(ODD_INT8, model, { recursive: true });
  for (const [name, r] of Object.entries(RANKS)) {
    const tensors = loraTensors(r, { 'h.0.attn.c_attn': [60, 180], 'h.2.mlp.c_proj': [100, 60] });
    await addWritten(model, name, { config: { r }, tensors, seed: r });
  }
  source = folderSource(model);
  manifest = await readManifest(source);
  for (const { name, file } of manifest.adapters ?? []) bytes[name] = file.bytes;
  return () => dir[Symbol.asyncDispose]();
});
afterAll(() => {
  expect(ort.heap.account).toMatchObject({ weights: 0, adapters: 0, activations: 0, cache: 0 });
});

const sizeOf = (...names: readonly string[]) =>
  names.reduce((sum, name) => sum + (bytes[name] ?? Number.NaN), 0);

/** Adapters in a block of this size, until the end of the test. */
function adaptersIn(size: number): Adapters {
  const adapters = new Adapters(ort.heap, manifest, size);
  onTestFinished(() => adapters.free());
  return adapters;
}

const reading = (from: ModelSource = source): AdapterReading => ({ source: from, ...nodePlatform });
const loadedIn = ({ status }: Adapters) => status.loaded.map(({ name, uses }) => [name, uses]);
const fileOf = async (name: string) => new Uint8Array(await readFile(join(model, `adapter-${name}.bin`)));
const inHeap = ({ address, file }: Adapter) => ort.heap.bytes(address, file.bytes).slice();

async function use(adapters: Adapters, name: string): Promise<Adapter> {
  const adapter = adapters.retain(name);
  await adapters.load(adapter, reading());
  return adapter;
}

describe('the space for adapters', () => {
  it('keeps those that nobody uses until another one needs it: the least recently used goes first', async () => {
    const adapters = adaptersIn(sizeOf('small', 'medium') + 64);
    adapters.release(await use(adapters, 'small'));
    adapters.release(await use(adapters, 'medium'));
    adapters.release(await use(adapters, 'small'));
    expect(loadedIn(adapters)).toEqual([
      ['medium', 0],
      ['small', 0],
    ]);
    expect(adapters.status).toMatchObject({ loads: 2, bytes: sizeOf('small', 'medium') });
    expect(() => adapters.retain('large')).toThrow(AdaptersExhaustedError);
    // A refusal evicts nothing.
    expect(loadedIn(adapters)).toHaveLength(2);
  });

  it('never evicts one in use, moves it where the space is in pieces, and keeps its bytes', async () => {
    const adapters = adaptersIn(sizeOf('small', 'large'));
    const small = await use(adapters, 'small');
    adapters.release(await use(adapters, 'medium'));
    const large = await use(adapters, 'large');
    expect(loadedIn(adapters)).toEqual([
      ['small', 1],
      ['large', 1],
    ]);
    expect(() => adapters.retain('medium')).toThrow(
      new AdaptersExhaustedError(sizeOf('medium'), 0, adapters.maximum),
    );
    adapters.release(small);
    adapters.release(large);
    await use(adapters, 'medium');
    expect(loadedIn(adapters)).toEqual([['medium', 1]]);
    await use(adapters, 'small');
    for (const name of ['small', 'medium'] as const) {
      const adapter = adapters.retain(name);
      expect(inHeap(adapter)).toEqual(await fileOf(name));
    }
  });

  it('moves an adapter while it is read', async () => {
    const adapters = adaptersIn(sizeOf('medium', 'large'));
    adapters.release(await use(adapters, 'small'));
    const medium = adapters.retain('medium');
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow: ModelSource = {
      async open(path) {
        await promise;
        return source.open(path);
      },
    };
    const loading = adapters.load(medium, reading(slow));
    const before = medium.address;
    const large = adapters.retain('large');
    expect(medium.address).toBe(before - sizeOf('small'));
    resolve();
    await Promise.all([loading, adapters.load(large, reading())]);
    expect(inHeap(medium)).toEqual(await fileOf('medium'));
    expect(inHeap(large)).toEqual(await fileOf('large'));
  });

  it('is for what fits it', () => {
    const adapters = adaptersIn(sizeOf('small'));
    expect(() => adapters.retain('large')).toThrow(
      new AdaptersExhaustedError(sizeOf('large'), adapters.maximum, adapters.maximum),
    );
    expect(() => adapters.retain('other')).toThrow(UnknownAdapterError);
    expect(() => adaptersIn(0).retain('small')).toThrow(AdaptersExhaustedError);
  });
});

describe('reading an adapter', () => {
  it('happens once for all that wait for it', async () => {
    const adapters = adaptersIn(sizeOf('small'));
    const uses = [adapters.retain('small'), adapters.retain('small'), adapters.retain('small')];
    await Promise.all(uses.map((adapter) => adapters.load(adapter, reading())));
    expect(adapters.status).toMatchObject({ loads: 1, loaded: [{ name: 'small', uses: 3 }] });
  });

  it('is given up by all that wait for it when nobody uses it any more', async () => {
    const adapters = adaptersIn(sizeOf('small'));
    let opened = 0;
    const counting: ModelSource = {
      open(path) {
        opened++;
        return source.open(path);
      },
    };
    const uses = [adapters.retain('small'), adapters.retain('small')];
    const loads = uses.map((adapter) => adapters.load(adapter, reading(counting)));
    for (const adapter of uses) adapters.release(adapter);
    for (const load of await Promise.allSettled(loads))
      expect(load).toMatchObject({ status: 'rejected', reason: expect.any(ModelFilesError) });
    expect(opened).toBe(1);
    expect(adapters.status).toMatchObject({ loads: 0, bytes: 0 });
  });

  it('is taken over by another request when it stalls, and what it writes later is lost', async () => {
    const adapters = adaptersIn(sizeOf('small'));
    const adapter = adapters.retain('small');
    const { promise, resolve } = Promise.withResolvers<void>();
    const stalled = adapters.load(
      adapter,
      reading({
        async open(path) {
          await promise;
          return source.open(path);
        },
      }),
    );
    const now = Date.now();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(now + 10_001);
    onTestFinished(() => clock.mockRestore());
    await adapters.load(adapter, reading());
    expect(adapters.status.loads).toBe(1);
    resolve();
    await expect(stalled).rejects.toThrow(/stalled/);
    expect(inHeap(adapter)).toEqual(await fileOf('small'));
  });

  it('fails for a file that is missing, corrupt, short, long or of another base; the next try succeeds', async () => {
    const adapters = adaptersIn(sizeOf('small', 'medium'));
    const file = await fileOf('small');
    const altered = (content: Uint8Array<ArrayBuffer>): ModelSource => ({
      open: async () => new Blob([content]).stream() as ReadableStream<Uint8Array>,
    });
    const flipped = file.slice();
    flipped[200] = (flipped[200] as number) ^ 1;
    const longer = new Uint8Array(file.length + 1);
    longer.set(file);
    const faults: [ModelSource, RegExp][] = [
      [{ open: () => Promise.reject(new ModelFilesError('adapter-small.bin is not there')) }, /is not there/],
      [altered(flipped), /adapter-small\.bin is corrupt: its SHA-256 is/],
      [altered(file.slice(0, -1)), /adapter-small\.bin ends after \d+ of \d+ bytes/],
      [altered(longer), /adapter-small\.bin is longer than its/],
    ];
    for (const [faulty, message] of faults) {
      const adapter = adapters.retain('small');
      await expect(adapters.load(adapter, reading(faulty))).rejects.toThrow(message);
      expect(adapters.status).toMatchObject({ loaded: [], bytes: sizeOf('small') });
      adapters.release(adapter);
      expect(adapters.status).toMatchObject({ loads: 0, bytes: 0 });
    }
    const config = { ...manifest.config, n_embd: 64 };
    const other = new Adapters(ort.heap, { ...manifest, config }, sizeOf('small'));
    const adapter = other.retain('small');
    await expect(other.load(adapter, reading())).rejects.toThrow(
      'adapter-small.bin cannot be used: its base has n_embd 60, and this model has 64',
    );
    other.free();
    await use(adapters, 'small');
    expect(loadedIn(adapters)).toEqual([['small', 1]]);
  });
});

describe('an engine', () => {
  async function engine(options: object = {}): Promise<Engine> {
    const loaded = await Engine.load(ort, {
      source,
      platform: nodePlatform,
      kernels,
      maxRows: 16,
      ...options,
    });
    onTestFinished(() => loaded.release());
    return loaded;
  }

  it('reads an adapter at the first evaluation of a tree, and lets it go with the last', async () => {
    const loaded = await engine();
    expect(loaded.status.adapters).toMatchObject({ maximum: sizeOf('small', 'medium', 'large'), bytes: 0 });
    const trees = [loaded.open(4, { adapter: 'small' }), loaded.open(4, { adapter: 'small' })] as const;
    expect(loaded.status.adapters).toMatchObject({ loaded: [], bytes: sizeOf('small') });
    await Promise.all(trees.map((tree) => tree.evaluate([{ node: tree.append(null, 1) }])));
    expect(loaded.status.adapters).toMatchObject({ loads: 1, loaded: [{ name: 'small', uses: 2 }] });
    trees[0].close();
    trees[1].expire();
    expect(loaded.status.adapters.loaded).toEqual([{ name: 'small', bytes: sizeOf('small'), uses: 0 }]);
  });

  it('refuses an adapter that it does not have, and gives back what the tree would have held', async () => {
    const loaded = await engine();
    expect(() => loaded.open(4, { adapter: 'other' })).toThrow(UnknownAdapterError);
    expect(() => loaded.open(1e9, { adapter: 'small' })).toThrow('do not fit in the cache');
    const { slots, requests, adapters } = loaded.status;
    expect([slots.reserved, requests, adapters.bytes]).toEqual([0, 0, 0]);
  });

  it('keeps the prefixes of different adapters apart, and those of one after it was read anew', async () => {
    const loaded = await engine();
    const reused = async (adapter: string | undefined, partition?: string) => {
      const tree = loaded.open(PROMPT.length, { shared: true, prompt: PROMPT, adapter, partition });
      const nodes = appendAll(tree, null, PROMPT);
      await tree.evaluate(nodes.map((node) => ({ node })));
      tree.close();
      return tree.reusedEvaluations;
    };
    expect(await reused(undefined)).toBe(0);
    expect(await reused('small')).toBe(0);
    expect(await reused('medium')).toBe(0);
    expect(await reused('small', 'salt')).toBe(0);
    for (const adapter of [undefined, 'small', 'medium']) expect(await reused(adapter)).toBe(PROMPT.length);
    expect(await reused('small', 'salt')).toBe(PROMPT.length);
    expect(loaded.resetPrefixCache((partition) => partition.startsWith('salt'))).toBe(PROMPT.length);
    expect(loaded.resetPrefixCache()).toBe(3 * PROMPT.length);
  });

  it('computes with an adapter as it is in the heap now, not as it was', async () => {
    const loaded = await engine();
    const before = await sequenceLogits(loaded.withAdapter('medium'), PROMPT);
    // Others come before it, and it moves.
    await sequenceLogits(loaded.withAdapter('small'), PROMPT);
    await sequenceLogits(loaded.withAdapter('large'), PROMPT);
    expect(await sequenceLogits(loaded.withAdapter('medium'), PROMPT)).toEqual(before);
  });

  it('gives the error of an adapter to its tree, and goes on', async () => {
    const faulty: ModelSource = {
      async open(path) {
        if (path === 'adapter-small.bin') throw new ModelFilesError(`${path} is not there`);
        return source.open(path);
      },
    };
    const loaded = await engine({ source: faulty });
    await expect(sequenceLogits(loaded.withAdapter('small'), PROMPT)).rejects.toThrow('is not there');
    expect(loaded.status).toMatchObject({ requests: 0, adapters: { bytes: 0 }, slots: { reserved: 0 } });
    await sequenceLogits(loaded.withAdapter('medium'), PROMPT);
  });
});

describe('a manifest', () => {
  it('has no two adapters of a name, nor one of the model’s', async () => {
    const [entry] = manifest.adapters ?? [];
    await using dir = await temporaryFolder();
    for (const adapters of [[entry, entry], [{ ...entry, name: manifest.name }]]) {
      await writeFile(join(dir.path, 'manifest.json'), JSON.stringify({ ...manifest, adapters }));
      await expect(readManifest(folderSource(dir.path))).rejects.toThrow(/the name of adapter .* is taken/);
    }
  });
});
