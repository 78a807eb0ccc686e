/**
 * @module onnxruntime's WebAssembly, importing a memory that is not shared. All builds of onnxruntime-web import a shared one,
 * for threads, which workerd has none of. Another thread could grow a shared memory at any time, so V8 reads its size anew for
 * the bounds check of each load, in our kernels too, whose memory it is. One bit of the import says which it is, and no
 * instruction depends on it. Plain JavaScript: `npm ci` runs it, on any Node from 20 on.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HEADER_BYTES = 8;
const IMPORT_SECTION = 2;
/** Kinds of imports. Of a function it is followed by a type, of a table by its type and limits, of a memory by limits. */
const [FUNCTION, TABLE, MEMORY, GLOBAL] = [0, 1, 2, 3];
/** Flags of limits. */
const HAS_MAXIMUM = 1;
const IS_SHARED = 2;

const PUBLISHED = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');
const WRITTEN = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'onnxruntime.wasm');

/** @returns {Uint8Array} the bytes of the module */
export const onnxruntimeWasm = () => withUnsharedMemory(readFileSync(PUBLISHED));

/** Writes `dist/onnxruntime.wasm`. */
export function writeOnnxruntimeWasm() {
  mkdirSync(dirname(WRITTEN), { recursive: true });
  writeFileSync(WRITTEN, onnxruntimeWasm());
}

/** The same, if it is missing. `npm ci` replaces it. */
export function ensureOnnxruntimeWasm() {
  if (!existsSync(WRITTEN)) writeOnnxruntimeWasm();
}

/**
 * @param {Uint8Array} wasm is changed
 * @throws {Error} if it does not import a shared memory
 */
export function withUnsharedMemory(wasm) {
  let at = HEADER_BYTES;
  const number = () => {
    let [value, factor, byte] = [0, 1, 0];
    do {
      byte = wasm[at++];
      value += (byte & 127) * factor;
      factor *= 128;
    } while (byte & 128);
    return value;
  };
  const skipName = () => {
    const length = number();
    at += length;
  };
  const skipLimits = () => {
    const flags = wasm[at++];
    number();
    if (flags & HAS_MAXIMUM) number();
  };
  while (at < wasm.length && wasm[at] !== IMPORT_SECTION) {
    at++;
    const length = number();
    at += length;
  }
  at++;
  number();
  for (let imports = number(); imports > 0; imports--) {
    skipName();
    skipName();
    const kind = wasm[at++];
    if (kind === MEMORY && wasm[at] & IS_SHARED) {
      wasm[at] &= ~IS_SHARED;
      return wasm;
    }
    if (kind === FUNCTION) number();
    else if (kind === GLOBAL) at += 2;
    else {
      if (kind === TABLE) at++;
      skipLimits();
    }
  }
  throw new Error('onnxruntime imports no shared memory: its version has changed');
}
