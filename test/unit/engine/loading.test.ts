/** @module Loading a model: errors for damaged files, and no leaks after a failure. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Engine, type KernelModules } from '../../../engine/engine.ts';
import { ModelFilesError, ModelTooLargeError } from '../../../engine/model/errors.ts';
import type { ModelSource } from '../../../engine/model/model-source.ts';
import { folderSource, kernelModules, nodePlatform, startOrt } from '../../../engine/node/load-engine.ts';
import { HeapExhaustedError, OrtError } from '../../../engine/runtime/errors.ts';
import type { HeapAccount } from '../../../engine/runtime/heap.ts';
import type { Ort } from '../../../engine/runtime/ort.ts';
import { DEFAULT_F32, DEFAULT_INT8, ODD_F32, ODD_INT4, ODD_INT8 } from '../../support/models.ts';
import { sequenceLogits } from '../../support/rows.ts';

const MiB = 2 ** 20;
const CHUNK_BYTES = 100_000;

/** A source in which `change` damages one file. Without `change` the file is missing. */
function damaged(folder: string, path: string, change?: (bytes: Uint8Array) => Uint8Array): ModelSource {
  const source = folderSource(folder);
  return {
    async open(requested) {
      if (requested !== path) return source.open(requested);
      if (!change) return source.open(`no-${path}`);
      return streamOf(change(new Uint8Array(await readFile(join(folder, path)))));
    },
  };
}

function streamOf(bytes: Uint8Array, onChunk = () => {}): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      onChunk();
      if (offset < bytes.length) controller.enqueue(bytes.slice(offset, offset + CHUNK_BYTES));
      else {
        controller.close();
        controller.byobRequest?.respond(0);
      }
      offset += CHUNK_BYTES;
    },
  });
}

const flipByte = (bytes: Uint8Array) => bytes.with(bytes.length - 1, (bytes.at(-1) as number) ^ 1);
const shorten = (bytes: Uint8Array) => bytes.slice(0, -1);
const cutOff = (bytes: Uint8Array) => bytes.slice(0, -10);
const lengthen = (bytes: Uint8Array) => Uint8Array.from([...bytes, 0]);

/** The account without the heap's size, which never shrinks. */
const bytesByOwner = ({ size: _, ...account }: HeapAccount) => account;

describe('loading', () => {
  let kernels: KernelModules;
  let ort: Ort;
  beforeAll(async () => {
    kernels = await kernelModules();
  });
  beforeEach(async () => {
    ort = await startOrt(40 * MiB);
  });

  const load = (source: ModelSource | string, signal?: AbortSignal) =>
    Engine.load(ort, {
      kernels,
      platform: nodePlatform,
      source: typeof source === 'string' ? folderSource(source) : source,
      ...(signal && { signal }),
    });

  async function expectUsable(): Promise<void> {
    const engine = await load(ODD_INT8);
    expect((await sequenceLogits(engine, [1, 2]))[1]?.every(Number.isFinite)).toBe(true);
    engine.release();
  }

  it.each([
    {
      damage: 'corrupt',
      file: 'weights-000.bin',
      change: flipByte,
      message: /^weights-000.bin is corrupt: its SHA-256 is [0-9a-f]{64}, expected [0-9a-f]{64}$/,
    },
    {
      damage: 'short',
      file: 'weights-000.bin',
      change: shorten,
      message: /^weights-000.bin ends after \d+ of \d+ bytes$/,
    },
    {
      damage: 'long',
      file: 'weights-000.bin',
      change: lengthen,
      message: /^weights-000.bin is longer than its \d+ bytes$/,
    },
    { damage: 'missing', file: 'weights-000.bin', change: undefined, message: /cannot be read: ENOENT$/ },
    { damage: 'corrupt', file: 'tokenizer.bin', change: flipByte, message: /^tokenizer.bin is corrupt/ },
    { damage: 'corrupt', file: 'norm.onnx', change: flipByte, message: /^norm.onnx is corrupt/ },
    { damage: 'short', file: 'manifest.json', change: cutOff, message: /^manifest.json is not JSON/ },
    {
      damage: 'empty',
      file: 'manifest.json',
      change: () => new TextEncoder().encode('{}'),
      message: /^manifest.json: .* HINT: convert the model again with this version$/,
    },
    { damage: 'missing', file: 'manifest.json', change: undefined, message: /cannot be read: ENOENT$/ },
  ])('rejects $damage $file, leaks nothing and can be retried', async ({ file, change, message }) => {
    const before = bytesByOwner(ort.heap.account);
    const failing = load(damaged(ODD_INT8, file, change));
    await expect(failing).rejects.toBeInstanceOf(ModelFilesError);
    await expect(failing).rejects.toThrow(message);
    expect(bytesByOwner(ort.heap.account)).toEqual(before);
    await expectUsable();
  });

  it.each([
    ['embed', 'head', ODD_F32],
    ['qkv', 'block', ODD_F32],
    ['norm', 'activation', ODD_INT8],
    ['norm', 'residual_norm', ODD_INT4],
  ])('rejects the graphs %s and %s in the place of one another', async (a, b, model) => {
    const before = bytesByOwner(ort.heap.account);
    const swap = (bytes: Uint8Array) => {
      const manifest = JSON.parse(new TextDecoder().decode(bytes));
      [manifest.graphs[a], manifest.graphs[b]] = [manifest.graphs[b], manifest.graphs[a]];
      return new TextEncoder().encode(JSON.stringify(manifest));
    };
    await expect(load(damaged(model, 'manifest.json', swap))).rejects.toThrow(OrtError);
    expect(bytesByOwner(ort.heap.account)).toEqual(before);
  });

  it('rejects a tensor that ends beyond the weights', async () => {
    const before = bytesByOwner(ort.heap.account);
    const moveTensor = (bytes: Uint8Array) => {
      const manifest = JSON.parse(new TextDecoder().decode(bytes));
      manifest.tensors[0].offset = manifest.shards[0].bytes;
      return new TextEncoder().encode(JSON.stringify(manifest));
    };
    await expect(load(damaged(ODD_INT8, 'manifest.json', moveTensor))).rejects.toThrow(
      /^manifest.json: tensor wte.weight ends at byte \d+ of \d+. HINT: convert the model again$/,
    );
    expect(bytesByOwner(ort.heap.account)).toEqual(before);
  });

  it('rejects a model too large for the heap, and then loads a smaller one', async () => {
    ort = await startOrt(20 * MiB);
    const before = bytesByOwner(ort.heap.account);
    await expect(load(DEFAULT_F32)).rejects.toThrow(ModelTooLargeError);
    await expect(load(DEFAULT_F32)).rejects.toThrow(
      /^default does not fit: onnxruntime 8\.7 \+ graphs 0\.8 \+ weights 26\.6 \+ activations \d\.\d \+ a cache of 64 tokens 0\.2 = 3\d\.\d MiB, and the heap's maximum is 20\.0 MiB\. HINT: convert it with --precision int4, or /,
    );
    expect(bytesByOwner(ort.heap.account)).toEqual(before);
    const engine = await load(DEFAULT_INT8);
    expect(engine.status.heap.weights).toBe(7_510_016);
    engine.release();
  });

  it('leaks nothing when a graph does not fit', async () => {
    const before = bytesByOwner(ort.heap.account);
    const filler = ort.heap.allocate(before.available - 1000, 'cache');
    await expect(load(DEFAULT_INT8)).rejects.toThrow(/bad_alloc|graphs: requested/);
    ort.heap.free(filler);
    expect(bytesByOwner(ort.heap.account)).toEqual(before);
  });

  it('frees graphs and weights when the buffers of a pass no longer fit', async () => {
    const before = bytesByOwner(ort.heap.account);
    let filler = 0;
    const source: ModelSource = {
      async open(path) {
        if (path === 'weights-000.bin') {
          filler = ort.heap.allocate(ort.heap.account.available - 1.2 * MiB, 'cache');
        }
        return folderSource(DEFAULT_INT8).open(path);
      },
    };
    await expect(load(source)).rejects.toBeInstanceOf(HeapExhaustedError);
    ort.heap.free(filler);
    expect(bytesByOwner(ort.heap.account)).toEqual(before);
  });

  it('frees the weights at once when it is aborted, and does not write to them afterwards', async () => {
    const before = bytesByOwner(ort.heap.account);
    const controller = new AbortController();
    const bytes = new Uint8Array(await readFile(join(DEFAULT_INT8, 'weights-000.bin')));
    let chunks = 0;
    const source: ModelSource = {
      async open(path) {
        if (path !== 'weights-000.bin') return folderSource(DEFAULT_INT8).open(path);
        return streamOf(bytes, () => {
          if (++chunks !== 5) return;
          expect(ort.heap.account.weights).toBe(7_510_016);
          controller.abort(new Error('cancelled by the test'));
          expect(bytesByOwner(ort.heap.account)).toEqual(before);
        });
      },
    };
    await expect(load(source, controller.signal)).rejects.toThrow('cancelled by the test');
    expect(chunks).toBeLessThan(10);
    expect(bytesByOwner(ort.heap.account)).toEqual(before);
    await expectUsable();
  });

  it('loads nothing when it was aborted before', async () => {
    const before = bytesByOwner(ort.heap.account);
    await expect(load(ODD_INT8, AbortSignal.abort(new Error('cancelled by the test')))).rejects.toThrow(
      'cancelled by the test',
    );
    expect(bytesByOwner(ort.heap.account)).toEqual(before);
  });

  it('and releasing repeatedly leaks nothing', async () => {
    const before = bytesByOwner(ort.heap.account);
    for (let time = 0; time < 3; time++) {
      const engine = await load(ODD_INT8);
      await sequenceLogits(engine, [1, 2, 3]);
      engine.release();
      expect(bytesByOwner(ort.heap.account)).toEqual(before);
    }
  });

  it('and releasing closes open trees', async () => {
    const before = bytesByOwner(ort.heap.account);
    const engine = await load(ODD_INT8);
    const tree = engine.open(100);
    await tree.evaluate([{ node: tree.append(null, 1) }]);
    engine.release();
    await expect(tree.evaluate([])).rejects.toThrow('the tree is closed');
    expect(bytesByOwner(ort.heap.account)).toEqual(before);
  });

  it('works for two models in one heap', async () => {
    const [a, b] = await Promise.all([load(ODD_INT8), load(DEFAULT_INT8)]);
    const expected = await sequenceLogits(a, [1, 2, 3]);
    await sequenceLogits(b, [1, 2, 3]);
    b.release();
    expect(await sequenceLogits(a, [1, 2, 3])).toEqual(expected);
    a.release();
  });
});
