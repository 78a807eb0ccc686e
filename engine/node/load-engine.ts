/** @module Runs the engine in Node, with a model from a folder: for tools, tests and benchmarks. */
import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Engine, type EngineOptions, type KernelModules, type Platform } from '../engine.ts';
import { wasmPath } from '../kernels/build.ts';
import { hasRelaxedSimd, type LinearModules } from '../kernels/linear.ts';
import { ModelFilesError } from '../model/errors.ts';
import type { ModelSource, Sha256 } from '../model/model-source.ts';
import { Ort } from '../runtime/ort.ts';

/** Default heap maximum in Node: all that 32-bit WASM can address. The Worker sets a much lower one. */
const DEFAULT_HEAP_MAXIMUM = 4000 * 2 ** 20;

export const nodePlatform: Platform = {
  pause: () => setImmediate(),
  now: async () => performance.now(),
  wait: (milliseconds) => setTimeout(milliseconds),
  sha256,
};

/** Reads a model from the converter's output folder. */
export function folderSource(folder: string): ModelSource {
  return {
    async open(path) {
      const file = await open(join(folder, path)).catch((error: NodeJS.ErrnoException) => {
        throw new ModelFilesError(`${path} cannot be read: ${error.code}`);
      });
      return file.readableWebStream({ autoClose: true }) as ReadableStream<Uint8Array>;
    },
  };
}

/** @param reusedMemory of a broken instance */
export async function startOrt(
  maximumBytes = DEFAULT_HEAP_MAXIMUM,
  reusedMemory?: WebAssembly.Memory,
): Promise<Ort> {
  const path = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');
  return Ort.start(await compile(path), maximumBytes, reusedMemory);
}

/** Compiles the kernels; those with relaxed SIMD if this Node supports it. */
export async function kernelModules(): Promise<KernelModules> {
  const [attention, logits, linear] = await Promise.all([
    compile(wasmPath('attention')),
    compile(wasmPath('logits')),
    linearModules(),
  ]);
  return { attention, logits, linear };
}

async function linearModules(): Promise<LinearModules> {
  if (!hasRelaxedSimd()) return { plain: await compile(wasmPath('linear-plain')) };
  const [dot, relaxed] = await Promise.all([
    compile(wasmPath('linear-dot')),
    compile(wasmPath('linear-relaxed')),
  ]);
  return { dot, relaxed };
}

/** Loads a converted model, with its own instance of onnxruntime. */
export async function loadEngine(
  folder: string,
  options: Partial<EngineOptions> & { readonly maximumBytes?: number } = {},
): Promise<Engine> {
  const ort = await startOrt(options.maximumBytes);
  return Engine.load(ort, {
    source: folderSource(folder),
    platform: nodePlatform,
    kernels: await kernelModules(),
    ...options,
  });
}

async function compile(path: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(path));
}

function sha256(): Sha256 {
  const hash = createHash('sha256');
  return {
    async update(bytes) {
      hash.update(bytes);
    },
    async digest() {
      return hash.digest('hex');
    },
  };
}
