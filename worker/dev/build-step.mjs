/**
 * @module wrangler's build step (`[build]` in wrangler.toml): makes the assets and the WebAssembly that `npx wrangler dev`
 * and `npx wrangler deploy` need, if they are missing or out of date. Plain JavaScript: `npx wrangler` runs under
 * the user's Node, which may be older than the Node 24 that the project's TypeScript needs.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureOnnxruntimeWasm } from '../../packages/edgebeam/onnxruntime-wasm.mjs';

const FOLDER = dirname(fileURLToPath(import.meta.url));
const BUNDLED_NODE = join('node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

ensureOnnxruntimeWasm();
// `npm start` and `npm run deploy` have prepared their model before they run wrangler.
if (process.env.EDGEBEAM_MODEL_READY === undefined) {
  const runsTypeScript = Number(process.versions.node.split('.')[0]) >= 24;
  const node = runsTypeScript ? process.execPath : join(FOLDER, '..', '..', BUNDLED_NODE);
  const { status, error } = spawnSync(node, [join(FOLDER, 'build-step.ts')], { stdio: 'inherit' });
  if (error) console.error(`${node} cannot be run (${error.message}): run npm ci first`);
  process.exit(status ?? 1);
}
