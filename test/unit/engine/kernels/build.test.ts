/** @module The committed kernels match their sources and have no static data. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { build, KERNEL_MODULES, wasmPath } from '../../../../engine/kernels/build.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';

describe.each(KERNEL_MODULES)('the kernel module %s', (name) => {
  it('matches its source', async () => {
    await using folder = await temporaryFolder();
    const out = join(folder.path, 'out.wasm');
    await build(name, out);
    const wasm = await readFile(wasmPath(name));
    expect(wasm.equals(await readFile(out)), 'run `npm run build`').toBe(true);
  });

  it('has no static data, which would overwrite onnxruntime’s memory', async () => {
    const module = await WebAssembly.compile(await readFile(wasmPath(name)));
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
    const memory = new WebAssembly.Memory({ initial: 64, maximum: 64 });
    const words = new Uint32Array(memory.buffer).fill(0x5a5a5a5a);
    new WebAssembly.Instance(module, { env: { memory } });
    expect(words.every((word) => word === 0x5a5a5a5a)).toBe(true);
  });
});
