/** @module `npm run build`: compiles the kernels. A test checks that the committed results are up to date. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const HERE = import.meta.dirname;
const COMPILER = join(HERE, '..', '..', 'node_modules', 'assemblyscript', 'bin', 'asc.js');
/** Kernels import onnxruntime's memory, so they have no runtime and no static data. */
const OPTIONS = [
  ...['--enable', 'simd', '--runtime', 'stub', '--use', 'abort='],
  ...['--importMemory', '--noExportMemory'],
  ...['--initialMemory', '1', '--maximumMemory', '65536'],
  ...['-O3', '--converge', '--noAssert'],
];

/** Entry in `assembly/` and additional options of each module. */
const MODULES = {
  adapter: { source: 'adapter.ts', options: [] },
  attention: { source: 'attention.ts', options: [] },
  logits: { source: 'logits.ts', options: [] },
  'linear-dot': { source: 'linear-dot.ts', options: ['--enable', 'relaxed-simd'] },
  'linear-relaxed': { source: 'linear.ts', options: ['--enable', 'relaxed-simd'] },
  'linear-plain': { source: 'linear.ts', options: [] },
} as const satisfies Record<string, { readonly source: string; readonly options: readonly string[] }>;

export type KernelModule = keyof typeof MODULES;

export const KERNEL_MODULES = Object.keys(MODULES) as readonly KernelModule[];

/** Path of the compiled module. */
export const wasmPath = (module: KernelModule): string => join(HERE, `${module}.wasm`);

/** @param cwd the folder of `assembly/` */
export async function build(module: KernelModule, out: string, cwd = HERE): Promise<void> {
  const { source, options } = MODULES[module];
  const args = [COMPILER, join('assembly', source), '--outFile', out, ...OPTIONS, ...options];
  await promisify(execFile)(process.execPath, args, { cwd });
}

if (import.meta.main) await Promise.all(KERNEL_MODULES.map((module) => build(module, wasmPath(module))));
