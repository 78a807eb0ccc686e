/**
 * @module Starting onnxruntime's glue where it was not meant to run: in workerd, in a heap of our size.
 */
import factory, { type OrtGlue } from 'onnxruntime-web/ort-wasm-simd-threaded.mjs';
import { HeapExhaustedError, OrtError } from './errors.ts';
import { PAGE_BYTES } from './heap.ts';

/**
 * The glue makes its memory itself, up to 4 GiB, and grows it by a fifth more than asked; neither can be set.
 * So `WebAssembly.Memory` is wrapped for the moment of the call, which makes it with our maximum, and the one
 * import that grows it is replaced by one that grows it by exactly what is missing.
 * @param used a memory of an instance that is no more, which serves again: what was in it is gone
 * @throws HeapExhaustedError when onnxruntime needs more to begin with, OrtError when the glue is not as expected
 */
export async function instantiate(
  wasm: WebAssembly.Module,
  maximumPages: number,
  used?: WebAssembly.Memory,
): Promise<{ glue: OrtGlue; memory: WebAssembly.Memory }> {
  const { promise: failure, reject } = Promise.withResolvers<never>();
  let memory: WebAssembly.Memory | undefined;
  // What static data does not cover is expected to be zero.
  if (used) new Uint8Array(used.buffer).fill(0);
  const starting = withWebPlatform(maximumPages, used, () =>
    factory({
      numThreads: 1,
      instantiateWasm(imports, done) {
        const functions = imports.a as Record<string, WebAssembly.ImportValue>;
        memory = functions.a as WebAssembly.Memory;
        functions[growImport(functions)] = exactGrowth(memory);
        // The glue never learns of a failure here: without the reject its promise would hang for ever.
        WebAssembly.instantiate(wasm, imports).then((instance) => done(instance, wasm), reject);
        return {};
      },
    }),
  );
  const glue = await Promise.race([starting, failure]);
  if (!memory) throw new OrtError('onnxruntime started without its memory: another version of the glue?');
  return { glue, memory };
}

/** `emscripten_resize_heap`, whose name in the imports changes with every build: the one function that grows. */
function growImport(functions: Record<string, WebAssembly.ImportValue>): string {
  const names = Object.keys(functions).filter(
    (name) => typeof functions[name] === 'function' && String(functions[name]).includes('.grow('),
  );
  const [name] = names;
  if (name === undefined || names.length !== 1) {
    throw new OrtError(`expected one import of onnxruntime that grows the heap, found ${names.length}`);
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
 * Runs `call` with a `WebAssembly.Memory` of at most `maximumPages`, or the one that is given, and without the signs of Node by which the
 * glue would take file system paths that workerd under nodejs_compat does not have. The glue looks at both
 * before it first waits, so they are back when this returns.
 */
function withWebPlatform<T>(maximumPages: number, used: WebAssembly.Memory | undefined, call: () => T): T {
  const { Memory } = WebAssembly;
  const { process } = globalThis as { process?: { type?: string } };
  const type = process?.type;
  WebAssembly.Memory = new Proxy(Memory, {
    construct(_, [descriptor]: [WebAssembly.MemoryDescriptor]) {
      if (used) return used;
      const { initial, maximum = maximumPages } = descriptor;
      if (initial > maximumPages) {
        throw new HeapExhaustedError('onnxruntime', initial * PAGE_BYTES, maximumPages * PAGE_BYTES);
      }
      return new Memory({ ...descriptor, maximum: Math.min(maximumPages, maximum) });
    },
  });
  if (process) process.type = 'renderer';
  try {
    return call();
  } finally {
    WebAssembly.Memory = Memory;
    if (process) restoreType(process, type);
  }
}

function restoreType(process: { type?: string }, type: string | undefined): void {
  if (type === undefined) delete process.type;
  else process.type = type;
}
