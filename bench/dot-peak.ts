/** @module A lower bound for any kernel's arithmetic: its dot product instruction and nothing else. */
import { join } from 'node:path';
import { main } from 'assemblyscript/asc';
import type { DotProduct } from '../engine/kernels/linear.ts';

const ROOT = join(import.meta.dirname, '..');
const SOURCE = join('bench', 'assembly', 'dot-peak.ts');
const OPTIONS = [
  ...['--enable', 'simd', '--enable', 'relaxed-simd', '--runtime', 'stub', '--use', 'abort='],
  ...['--noExportMemory', '-O3', '--converge', '--noAssert'],
];
const BYTES_OF_VECTOR = 16;

export interface DotPeak {
  /** Multiplications of a call. */
  readonly multiplications: number;
  /** Multiplies and adds pairs of bytes that stay in registers. */
  run(): number;
}

/** @param dotProduct the form of the kernels; there is no loop for `plain`, which has no instruction of its own */
export async function dotPeak(
  dotProduct: Exclude<DotProduct, 'plain'>,
  iterations = 500_000,
): Promise<DotPeak> {
  const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(await compiled()));
  const { dots, dotAdds, CHAINS } = exports as {
    readonly dots: (iterations: number, one: number) => number;
    readonly dotAdds: (iterations: number, one: number) => number;
    readonly CHAINS: WebAssembly.Global<'i32'>;
  };
  const loop = dotProduct === 'relaxed' ? dots : dotAdds;
  return {
    multiplications: iterations * CHAINS.value * BYTES_OF_VECTOR,
    run: () => loop(iterations, 1),
  };
}

async function compiled(): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await main(
    [SOURCE, '--baseDir', ROOT, '--outFile', 'dot-peak.wasm', ...OPTIONS],
    {
      writeFile(_, contents) {
        if (typeof contents !== 'string') binary = contents;
      },
    },
  );
  if (!binary) throw new Error(`${SOURCE} does not compile: ${error?.message} ${stderr.toString()}`);
  return new Uint8Array(binary);
}
