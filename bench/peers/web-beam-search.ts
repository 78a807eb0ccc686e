/** @module onnxruntime's own beam search in onnxruntime-web, on one thread. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import { beamSearchSide } from './beam-search-side.ts';
import { BEAM_SEARCH_FILE } from './model-files.ts';
import type { PeerModels } from './models.ts';
import type { PeerSide } from './protocol.ts';

export async function load({ served }: PeerModels): Promise<PeerSide> {
  const wasm = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');
  env.wasm.numThreads = 1;
  env.wasm.wasmBinary = (await readFile(wasm)).buffer as ArrayBuffer;
  const session = await InferenceSession.create(await readFile(join(served, BEAM_SEARCH_FILE)), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  return beamSearchSide(session, Tensor);
}
