/** @module Runs the engine in Node, with a model from a folder: for tools, tests and benchmarks. */
import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Engine, type EngineOptions, type KernelModules, type Platform } from '../engine.ts';
import { hasRelaxedSimd, type LinearModules } from '../kernels/linear.ts';
import { MissingFileError, ModelFilesError } from '../model/errors.ts';
import type { ModelSource, Sha256 } from '../model/model-source.ts';
import { Ort } from '../runtime/ort.ts';
import { onnxruntimePath, wasmPath } from './wasm-paths.ts';

/** Default heap maximum in Node: all that 32-bit WASM can address. The Worker sets a much lower one. */
const DEFAULT_HEAP_MAXIMUM = 4000 * 2 ** 20;

const CHUNK_BYTES = 1 << 20;

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
        const FileError = error.code === 'ENOENT' ? MissingFileError : ModelFilesError;
        throw new FileError(`${path} cannot be read: ${error.code}`);
      });
      return byteStream(file);
    },
  };
}

/** The rest of a file, which is closed at the end. `readableWebStream` closes it in Node 24 only. */
function byteStream(file: FileHandle): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: 'bytes',
    autoAllocateChunkSize: CHUNK_BYTES,
    async pull(controller) {
      // There is one always: `autoAllocateChunkSize` makes it for readers without a buffer.
      const request = controller.byobRequest as ReadableStreamBYOBRequest;
      const view = request.view as Uint8Array;
      const { bytesRead } = await file.read(view, 0, view.byteLength, null);
      if (bytesRead === 0) {
        await file.close();
        controller.close();
      }
      request.respond(bytesRead);
    },
    cancel: () => file.close(),
  });
}

/** @param reusedMemory of a broken instance */
export async function startOrt(
  maximumBytes = DEFAULT_HEAP_MAXIMUM,
  reusedMemory?: WebAssembly.Memory,
): Promise<Ort> {
  return Ort.start(await compile(onnxruntimePath()), maximumBytes, reusedMemory);
}

/** Compiles the kernels; those with relaxed SIMD if this Node supports it. */
export async function kernelModules(): Promise<KernelModules> {
  const [adapter, attention, logits, linear] = await Promise.all([
    compile(wasmPath('adapter')),
    compile(wasmPath('attention')),
    compile(wasmPath('logits')),
    linearModules(),
  ]);
  return { adapter, attention, logits, linear };
}

async function linearModules(): Promise<LinearModules> {
  if (!hasRelaxedSimd()) return { plain: await compile(wasmPath('linear-plain')) };
  const [dot, relaxed] = await Promise.all([
    compile(wasmPath('linear-dot')),
    compile(wasmPath('linear-relaxed')),
  ]);
  return { dot, relaxed };
}

/**
 * Loads a converted model, with its own instance of onnxruntime.
 * @param model its folder, or a source of its files
 */
export async function loadEngine(
  model: string | ModelSource,
  options: Partial<EngineOptions> & { readonly maximumBytes?: number } = {},
): Promise<Engine> {
  const ort = await startOrt(options.maximumBytes);
  return Engine.load(ort, {
    source: typeof model === 'string' ? folderSource(model) : model,
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
