/**
 * @module Runs at the end of `npm ci` in the repository: lets `edgebeam/decoding` and `edgebeam/engine` be imported there by
 * name, from the sources. `npm pack` puts the built files in their place.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ENTRIES = { decoding: '../decoding/index.ts', engine: '../packages/edgebeam/engine.ts' };

// npm also runs this script when it packs, after the build.
if (['ci', 'install'].includes(process.env.npm_command ?? '')) {
  const dist = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist');
  mkdirSync(dist, { recursive: true });
  for (const [name, source] of Object.entries(ENTRIES))
    writeFileSync(join(dist, `${name}.js`), `export * from '${source}';\n`);
}
