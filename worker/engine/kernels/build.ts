/** @module `npm run build`: compiles the kernels. The result is in the repository; a test compiles it once more. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const HERE = import.meta.dirname;
const COMPILER = join(HERE, '..', '..', '..', 'node_modules', 'assemblyscript', 'bin', 'asc.js');
/** A kernel works in onnxruntime's memory: it owns none, and must have no data of its own to put there. */
const OPTIONS = [
  ...['--enable', 'simd', '--enable', 'threads', '--runtime', 'stub', '--use', 'abort='],
  ...[
    '--importMemory',
    '--sharedMemory',
    '--initialMemory',
    '1',
    '--maximumMemory',
    '65536',
    '--noExportMemory',
  ],
  ...['-O3', '--converge', '--noAssert'],
];

export const ATTENTION_WASM = join(HERE, 'attention.wasm');

export async function buildAttention(out: string): Promise<void> {
  const source = join('assembly', 'attention.ts');
  await promisify(execFile)(process.execPath, [COMPILER, source, '--outFile', out, ...OPTIONS], {
    cwd: HERE,
  });
}

if (import.meta.main) await buildAttention(ATTENTION_WASM);
