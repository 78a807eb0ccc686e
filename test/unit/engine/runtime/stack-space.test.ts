/** @module The unused part of onnxruntime's stack: that it is unused, and that the cache may have it. */
import { describe, expect, it } from 'vitest';
import { decodeAll } from '../../../../decoding/index.ts';
import { Engine } from '../../../../engine/engine.ts';
import { folderSource, kernelModules, nodePlatform, startOrt } from '../../../../engine/node/load-engine.ts';
import { StackSpace, UNUSED_STACK_BYTES } from '../../../../engine/runtime/stack-space.ts';
import { DEFAULT_F32, DEFAULT_INT8, ODD_INT4 } from '../../../support/models.ts';

const MIB = 2 ** 20;

describe.each([
  { name: 'f32', model: DEFAULT_F32 },
  { name: 'int8', model: DEFAULT_INT8 },
  { name: 'int4', model: ODD_INT4 },
])('with a model in $name', ({ model }) => {
  it('onnxruntime uses less than an eighth of the stack that it keeps', async () => {
    const ort = await startOrt(64 * MIB);
    const { unusedStack } = ort.heap.account;
    expect(unusedStack).toBe(UNUSED_STACK_BYTES);
    // Taken from the cache, so that only onnxruntime could write there.
    const begin = ort.heap.allocateInStack(unusedStack, 'graphs') as number;
    const engine = await Engine.load(ort, {
      source: folderSource(model),
      platform: nodePlatform,
      kernels: await kernelModules(),
      maxRows: 64,
    });
    const prompt = Array.from(
      { length: Math.min(130, engine.contextLength - 4) },
      (_, i) => (i * 37) % engine.vocabSize,
    );
    await decodeAll(engine, prompt, { max_new_tokens: 4, num_beams: 2 });
    const below = Buffer.from(ort.heap.bytes(begin, unusedStack + (7 * MIB) / 8));
    expect(below.equals(Buffer.alloc(below.length))).toBe(true);
    engine.release();
  });
});

it('pages of the cache come from the stack first, and are given back', async () => {
  const ort = await startOrt(24 * MIB);
  const before = ort.heap.account;
  const engine = await Engine.load(ort, {
    source: folderSource(DEFAULT_INT8),
    platform: nodePlatform,
    kernels: await kernelModules(),
  });
  expect(engine.status.slots.maximum).toBe(engine.plan.slots);
  engine.open(16).close();
  const { cache, onnxruntime, unusedStack } = engine.status.heap;
  expect(cache).toBeGreaterThan(0);
  expect(onnxruntime).toBe(before.onnxruntime - cache);
  expect(unusedStack).toBe(before.unusedStack - cache);
  engine.open(engine.status.slots.maximum).close();
  expect(engine.status.slots.capacity).toBe(engine.plan.slots);
  engine.release();
  expect(ort.heap.account).toMatchObject({
    onnxruntime: before.onnxruntime,
    unusedStack: before.unusedStack,
  });
});

it('nothing is taken of a stack where anything is written, or that is too small', () => {
  const memory = new WebAssembly.Memory({ initial: 100 });
  const top = 6 * MIB;
  expect(StackSpace.find(memory, top).unused).toBe(UNUSED_STACK_BYTES);
  expect(StackSpace.find(memory, top).allocate(1)).toBe(MIB);
  expect(StackSpace.find(memory, 4 * MIB).unused).toBe(0);
  new Uint8Array(memory.buffer)[MIB] = 1;
  expect(StackSpace.find(memory, top).unused).toBe(0);
});

it('lends aligned ranges, the last one again when it is freed, and all when all are', () => {
  const space = new StackSpace({ begin: 64, end: 128 });
  expect([space.allocate(10), space.allocate(20), space.allocate(17)]).toEqual([64, 80, undefined]);
  expect(space).toMatchObject({ lent: 30, unused: 16 });
  expect([space.free(80, 20), space.allocate(48)]).toEqual([true, 80]);
  expect([space.free(64, 10), space.unused]).toEqual([true, 0]);
  expect([space.free(80, 48), space.unused, space.lent]).toEqual([true, 64, 0]);
  expect(space.free(128, 1)).toBe(false);
});
