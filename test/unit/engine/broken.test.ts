/** @module Forward passes that the platform kills for their CPU time, while the isolate lives on. */
import { setFlagsFromString } from 'node:v8';
import { createContext, runInContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Engine } from '../../../engine/engine.ts';
import { Gpt2 } from '../../../engine/model/gpt2.ts';
import { folderSource, kernelModules, nodePlatform, startOrt } from '../../../engine/node/load-engine.ts';
import { EngineBrokenError } from '../../../engine/runtime/errors.ts';
import type { Ort } from '../../../engine/runtime/ort.ts';
import { DEFAULT_INT4, DEFAULT_INT8 } from '../../support/models.ts';
import { appendAll, sequenceLogits } from '../../support/rows.ts';

setFlagsFromString('--allow-natives-syntax');
/** Runs all pending microtasks synchronously. */
const runMicrotasks = new Function('%PerformMicrotaskCheckpoint()') as () => void;

/** Long enough for a pass to begin on a busy machine. */
const KILLED_AFTER_MILLISECONDS = 200;

/** Runs `work` and kills it as workerd does: without running its `finally` blocks. */
function kill(work: () => void): void {
  const script = () =>
    runInContext('work()', createContext({ work }), { timeout: KILLED_AFTER_MILLISECONDS });
  expect(script).toThrow('Script execution timed out');
}

async function load(ort: Ort, folder: string): Promise<Engine> {
  const platform = { ...nodePlatform, pause: () => Promise.resolve() };
  return Engine.load(ort, { source: folderSource(folder), platform, kernels: await kernelModules() });
}

const tokens = (length: number) => Array.from({ length }, (_, i) => i + 1);

/** Starts a pass and kills it. The pass is computed again and again until then, however fast the machine is. */
async function killPass(engine: Engine): Promise<void> {
  const tree = engine.open(500);
  const nodes = appendAll(tree, null, tokens(500)).map((node) => ({ node }));
  const compute = Gpt2.prototype.forward;
  const forward = vi.spyOn(Gpt2.prototype, 'forward').mockImplementation(function (this: Gpt2, rows) {
    for (;;) compute.call(this, rows);
  });
  const settled = vi.fn();
  // From a macrotask: a microtask cannot run the microtask queue.
  await new Promise<void>((resolve, reject) => {
    setImmediate(() => {
      tree.evaluate(nodes).then(settled, settled);
      try {
        kill(runMicrotasks);
        resolve();
      } catch (error) {
        reject(error);
      }
    });
  });
  expect(forward).toHaveBeenCalled();
  expect(settled).not.toHaveBeenCalled();
}

describe.each([
  ['int8', DEFAULT_INT8],
  ['int4', DEFAULT_INT4],
])('a pass that is killed, in %s', (_, model) => {
  afterEach(() => vi.restoreAllMocks());

  it('breaks the engine, which then rejects all calls', async () => {
    const engine = await load(await startOrt(40 * 2 ** 20), model);
    const other = engine.open(3);
    const node = other.append(null, 1);
    await killPass(engine);
    expect(engine.broken).toBe(true);
    await expect(other.evaluate([{ node }])).rejects.toThrow(EngineBrokenError);
    expect(() => engine.open(1)).toThrow(EngineBrokenError);
    other.close();
  });

  it('leaves a memory that a new onnxruntime and a new engine can reuse', async () => {
    const expected = await sequenceLogits(await load(await startOrt(), model), tokens(30));
    let ort = await startOrt(40 * 2 ** 20);
    const { memory } = ort.heap;
    for (let i = 0; i < 3; i++) {
      const engine = await load(ort, model);
      expect(await sequenceLogits(engine, tokens(30))).toEqual(expected);
      await killPass(engine);
      vi.restoreAllMocks();
      ort = await startOrt(40 * 2 ** 20, memory);
      expect(ort.heap.memory).toBe(memory);
    }
    const engine = await load(ort, model);
    expect(await sequenceLogits(engine, tokens(30))).toEqual(expected);
    expect(engine.broken).toBe(false);
  });
});
