/** @module Starts onnxruntime's glue with a limited heap, also in workerd, which it does not support. */
import factory, { type OrtGlue } from 'onnxruntime-web/ort-wasm-simd-threaded.mjs';
import { HeapExhaustedError, OrtError } from './errors.ts';
import { PAGE_BYTES } from './heap.ts';

/**
 * The glue creates its own memory, up to 4 GiB, and grows it by a fifth more than asked; no option changes
 * either. So `WebAssembly.Memory` is wrapped during the call, to set our maximum, and the import that grows
 * the memory is replaced by one that adds exactly the missing pages.
 * @param reusedMemory of an instance that is no longer used; it is cleared
 * @throws HeapExhaustedError when the initial memory exceeds the maximum; OrtError when the glue has changed
 */
export async function instantiate(
  wasm: WebAssembly.Module,
  maximumPages: number,
  reusedMemory?: WebAssembly.Memory,
): Promise<{ glue: OrtGlue; memory: WebAssembly.Memory }> {
  let memory: WebAssembly.Memory | undefined;
  // The module expects zeros outside of its static data.
  if (reusedMemory) new Uint8Array(reusedMemory.buffer).fill(0);
  const glue = await new Promise<OrtGlue>((resolve, reject) => {
    const starting = withWebPlatform(maximumPages, reusedMemory, () =>
      factory({
        numThreads: 1,
        instantiateWasm(imports, done) {
          const functions = imports.a as Record<string, WebAssembly.ImportValue>;
          memory = functions.a as WebAssembly.Memory;
          functions[growImport(functions)] = exactGrowth(memory);
          // The glue has no error callback: without this reject its promise would never settle.
          WebAssembly.instantiate(wasm, imports).then((instance) => done(instance, wasm), reject);
          return {};
        },
      }),
    );
    starting.then(resolve, reject);
  });
  if (!memory) throw new OrtError('onnxruntime started without a memory. HINT: check its version');
  return { glue, memory };
}

/** The name of `emscripten_resize_heap` in the imports: minified, so found by its call of `grow`. */
function growImport(functions: Record<string, WebAssembly.ImportValue>): string {
  const names = Object.keys(functions).filter(
    (name) => typeof functions[name] === 'function' && String(functions[name]).includes('.grow('),
  );
  const [name] = names;
  if (name === undefined || names.length !== 1) {
    throw new OrtError(`onnxruntime has ${names.length} imports that grow the heap, expected 1`);
  }
  return name;
}

function exactGrowth(memory: WebAssembly.Memory): (bytes: number) => number {
  return (bytes) => {
    const missing = (bytes >>> 0) - memory.buffer.byteLength;
    try {
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
      return 1;
    } catch {
      return 0;
    }
  };
}

/**
 * Runs `call` with three globals patched. The glue reads them before its first await, so they are restored on return.
 *
 * - `WebAssembly.Memory` returns `reusedMemory`, or a memory of at most `maximumPages`. It is not shared, as the module
 *   imports none that is (`packages/edgebeam/onnxruntime-wasm.mjs`).
 * - Without `Atomics.waitAsync`, the glue does not wait for messages of threads, which needs a shared memory.
 * - `process.type` keeps the glue off its path for Node, whose file system workerd lacks even with nodejs_compat.
 */
function withWebPlatform<T>(
  maximumPages: number,
  reusedMemory: WebAssembly.Memory | undefined,
  call: () => T,
): T {
  const { Memory } = WebAssembly;
  const { process } = globalThis as { process?: { type?: string } };
  const type = process?.type;
  const atomics: { waitAsync?: unknown } = Atomics;
  const { waitAsync } = atomics;
  WebAssembly.Memory = new Proxy(Memory, {
    construct(_, [descriptor]: [WebAssembly.MemoryDescriptor]) {
      if (reusedMemory) return reusedMemory;
      const { initial, maximum = maximumPages } = descriptor;
      if (initial > maximumPages) {
        throw new HeapExhaustedError('onnxruntime', initial * PAGE_BYTES, maximumPages * PAGE_BYTES);
      }
      return new Memory({ initial, maximum: Math.min(maximumPages, maximum) });
    },
  });
  atomics.waitAsync = undefined;
  if (process) process.type = 'renderer';
  try {
    return call();
  } finally {
    WebAssembly.Memory = Memory;
    atomics.waitAsync = waitAsync;
    if (process) restoreProcessType(process, type);
  }
}

function restoreProcessType(process: { type?: string }, type: string | undefined): void {
  if (type === undefined) delete process.type;
  else process.type = type;
}
