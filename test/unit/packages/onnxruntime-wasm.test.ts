/** @module onnxruntime's WebAssembly, which imports a memory that is not shared. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { wasmPath } from '../../../engine/kernels/build.ts';
import { onnxruntimePath } from '../../../engine/node/wasm-paths.ts';
import { withUnsharedMemory } from '../../../packages/edgebeam/onnxruntime-wasm.mjs';

const PUBLISHED = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');

it('is the published file but for one bit', async () => {
  const [published, ours] = await Promise.all([readFile(PUBLISHED), readFile(onnxruntimePath())]);
  expect(ours.length).toBe(published.length);
  const different = [...published.keys()].filter((i) => published[i] !== ours[i]);
  expect(different.map((i) => (published[i] as number) - (ours[i] as number))).toEqual([2]);
});

it('takes a memory that is not shared, and the published file none', async () => {
  const take = async (path: string, shared: boolean) => {
    const module = await WebAssembly.compile(await readFile(path));
    const [names, functions] = [WebAssembly.Module.imports(module), () => 0];
    const memory = new WebAssembly.Memory({ initial: 256, maximum: 65_536, shared });
    const imports = names.map(({ name, kind }) => [name, kind === 'memory' ? memory : functions]);
    return WebAssembly.instantiate(module, { a: Object.fromEntries(imports) });
  };
  await expect(take(PUBLISHED, false)).rejects.toThrow('shared');
  await expect(take(onnxruntimePath(), false)).resolves.toBeDefined();
});

it('refuses a module without a shared memory', async () => {
  const kernel = new Uint8Array(await readFile(wasmPath('logits')));
  expect(() => withUnsharedMemory(kernel)).toThrow('its version has changed');
  expect(() => withUnsharedMemory(kernel.slice(0, 8))).toThrow('its version has changed');
});
