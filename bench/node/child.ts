/** @module One contestant in its own Node process: loads at startup, then performs its parent's requests. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { env } from 'onnxruntime-web/wasm';
import { ISOLATE_HEAP_BYTES } from '../../engine/model/plan.ts';
import { loadEngine, startOrt } from '../../engine/node/load-engine.ts';
import { bareSide } from '../bare.ts';
import { INT4_MODEL, INT8_MODEL, USUAL_MODEL } from '../models.ts';
import { edgebeamSide } from '../ours.ts';
import { perform, type Request, type Side } from '../side.ts';
import { usualSide } from '../usual.ts';
import { readUsualModel } from '../usual-files.ts';

const sides: Record<string, () => Promise<Side>> = {
  bare: async () => bareSide((await startOrt()).heap.size),
  int4: async () => edgebeamSide(await loadEngine(INT4_MODEL, { maximumBytes: ISOLATE_HEAP_BYTES })),
  int8: async () => edgebeamSide(await loadEngine(INT8_MODEL)),
  async usual() {
    const wasm = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');
    env.wasm.numThreads = 1;
    env.wasm.wasmBinary = (await readFile(wasm)).buffer as ArrayBuffer;
    return usualSide(await readUsualModel((path) => readFile(join(USUAL_MODEL, path))));
  },
};

const begin = performance.now();
const side = await sides[process.argv[2] ?? '']?.();
if (!side || !process.send) throw new Error('bench/node/contestant.ts must start this process');
process.on('message', async (request: Request) => process.send?.(await perform(side, request)));
process.send({ loadMilliseconds: performance.now() - begin });
