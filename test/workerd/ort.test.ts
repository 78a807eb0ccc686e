/**
 * @module Everything that `engine/runtime/ort.ts` assumes about onnxruntime-web 1.30.0. An upgrade that breaks
 * an assumption fails here first.
 */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import wasm from '../../dist/onnxruntime.wasm';
import { readFile, readManifest } from '../../engine/model/model-source.ts';
import { HeapExhaustedError, OrtError } from '../../engine/runtime/errors.ts';
import { Ort } from '../../engine/runtime/ort.ts';
import { type Manifest, storedVocabSize } from '../../model-assets/format/manifest.ts';
import { workerdPlatform } from '../../worker/isolate/platform.ts';
import { assetsSource } from '../../worker/isolate/sources.ts';

const MIB = 2 ** 20;
const source = assetsSource(env.ASSETS, 'odd-f32/');

describe('onnxruntime in workerd', () => {
  let ort: Ort;
  let manifest: Manifest;
  beforeAll(async () => {
    ort = await Ort.start(wasm, 40 * MIB);
    manifest = await readManifest(source);
  });

  it('starts with a heap of 16 MiB and uses less than 10 MiB of it', () => {
    const { size, onnxruntime, maximum } = ort.heap.account;
    expect(size).toBe(16 * MIB);
    expect(onnxruntime).toBeLessThan(10 * MIB);
    expect(maximum).toBe(40 * MIB);
  });

  it('has a memory that is not shared', () => {
    expect(ort.heap.memory.buffer).toBeInstanceOf(ArrayBuffer);
  });

  it('restores WebAssembly.Memory, Atomics.waitAsync and process after its start', () => {
    expect(new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true }).buffer).toBeInstanceOf(
      SharedArrayBuffer,
    );
    expect(Atomics).toHaveProperty('waitAsync', expect.any(Function));
    expect((globalThis as { process?: object }).process ?? {}).not.toHaveProperty('type');
  });

  it('grows its heap by the allocation, rounded to pages', async () => {
    const small = await Ort.start(wasm, 40 * MIB);
    const pointer = small.heap.allocate(20 * MIB, 'weights');
    expect(pointer % 16).toBe(0);
    expect(small.heap.size - (pointer + 20 * MIB)).toBeLessThanOrEqual(2 * 65_536);
    small.heap.free(pointer);
    expect(small.heap.allocate(20 * MIB, 'weights')).toBe(pointer);
  });

  it('throws HeapExhaustedError at its maximum, and keeps working', async () => {
    const small = await Ort.start(wasm, 20 * MIB);
    expect(() => small.heap.allocate(12 * MIB, 'cache')).toThrow(HeapExhaustedError);
    expect(() => small.heap.allocateReserved(12 * MIB)).toThrow(HeapExhaustedError);
    expect(small.heap.size).toBeLessThanOrEqual(20 * MIB);
    small.heap.free(small.heap.allocate(8 * MIB, 'cache'));
  });

  it('reports onnxruntime’s message for bytes that are no model, and leaks nothing', () => {
    const before = ort.heap.account;
    expect(() => ort.createSession(new Uint8Array([1, 2, 3]))).toThrow(OrtError);
    expect(() => ort.createSession(new Uint8Array([1, 2, 3]))).toThrow(/protobuf parsing failed/i);
    expect(ort.heap.account.available).toBe(before.available);
  });

  it('writes outputs to their bound buffers, and names the input of a wrong type or shape', async () => {
    if (!('embed' in manifest.graphs)) throw new Error('an f32 model has a graph for its embedding');
    const session = ort.createSession(await readFile(source, manifest.graphs.embed, workerdPlatform.sha256));
    const { n_embd, n_positions } = manifest.config;
    const columns = storedVocabSize(manifest.config);
    const zeros = (type: 'float32' | 'int64', dims: number[], bytes: number) => {
      const length = dims.reduce((a, b) => a * b, bytes);
      const pointer = ort.heap.allocate(length, 'activations');
      ort.heap.bytes(pointer, length).fill(0);
      return ort.tensor(type, pointer, dims);
    };
    const wte = zeros('float32', [n_embd, columns], 4);
    const wpe = zeros('float32', [n_positions, n_embd], 4);
    const ids = zeros('int64', [2], 8);
    const hidden = zeros('float32', [2, n_embd], 4);
    ort.heap.floats(wte.pointer, n_embd * columns).fill(1.5);
    ort.heap.floats(wpe.pointer, n_embd).fill(2);
    const inputs = { input_ids: ids, position_ids: ids, 'wte.weight': wte, 'wpe.weight': wpe };
    session.run(inputs, { hidden });
    expect([...ort.heap.floats(hidden.pointer, 2 * n_embd)]).toEqual(Array(2 * n_embd).fill(3.5));
    const expectRun = (changed: object) => expect(() => session.run({ ...inputs, ...changed }, { hidden }));
    expectRun({ 'wpe.weight': ids }).toThrow('Unexpected input data type');
    expectRun({ 'wte.weight': hidden }).toThrow('Got invalid dimensions for input: wte.weight');
    expectRun({ 'wte.bias': hidden }).toThrow('wte.bias');
    const outOfRange = zeros('int64', [2], 8);
    ort.heap.int64s(outOfRange.pointer, 2).set([0n, 100_000n]);
    expect(() => session.run({ ...inputs, input_ids: outOfRange }, { hidden })).toThrow(/indices/);
    session.run(inputs, { hidden });
    session.release();
  });
});
