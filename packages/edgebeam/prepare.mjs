/**
 * @module Runs at the end of `npm ci` in the repository, and after `npm pack`: writes onnxruntime's WebAssembly as the engine
 * needs it, and lets `edgebeam/decoding` and `edgebeam/engine` be imported by name, from the sources. `npm pack` puts the built
 * files in their place while it packs.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeOnnxruntimeWasm } from './onnxruntime-wasm.mjs';

const ENTRIES = { decoding: '../decoding/index.ts', engine: '../packages/edgebeam/engine.ts' };

// npm also runs `prepare` when it packs, between the build and the packing.
if (
  process.env.npm_lifecycle_event === 'postpack' ||
  ['ci', 'install'].includes(process.env.npm_command ?? '')
) {
  const dist = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist');
  mkdirSync(dist, { recursive: true });
  writeOnnxruntimeWasm();
  for (const [name, source] of Object.entries(ENTRIES))
    writeFileSync(join(dist, `${name}.js`), `export * from '${source}';\n`);
}
