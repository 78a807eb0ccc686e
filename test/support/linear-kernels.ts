/**
 * @module Every form of the kernels for quantized weights, whatever this processor has: the forms of other
 * processors are compiled with their reading of the dot product instruction spelled out in plain SIMD.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, wasmPath } from '../../engine/kernels/build.ts';
import { type DotProduct, hasRelaxedSimd, type LinearModules } from '../../engine/kernels/linear.ts';

/** The instruction, as `assembly/dot.ts` calls it. */
const INSTRUCTION = 'i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w, sums)';

/** `sums[i] + Σ x[4i + j] · w[4i + j]`, with the bytes of `w` extended by `extend`. */
const emulation = (extend: 's' | 'u') => `i32x4.add(sums, i32x4.add(
    v128.shuffle<i32>(
      i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), i16x8.extend_low_i8x16_${extend}(w)),
      i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(x), i16x8.extend_high_i8x16_${extend}(w)),
      0, 2, 4, 6),
    v128.shuffle<i32>(
      i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), i16x8.extend_low_i8x16_${extend}(w)),
      i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(x), i16x8.extend_high_i8x16_${extend}(w)),
      1, 3, 5, 7)))`;

/** What each processor's `dot` module is made of. `relaxed` is one whose probe gives a result that nobody knows. */
const EMULATIONS = {
  'dot-unsigned': emulation('u'),
  'dot-signed': emulation('s'),
  relaxed: 'i32x4.splat(65534)',
} as const;

/** Modules of which `linearKernels` chooses this form. */
export async function emulatedModules(dotProduct: DotProduct): Promise<LinearModules> {
  if (dotProduct === 'plain') return { plain: await compile(wasmPath('linear-plain')) };
  // A runtime without relaxed SIMD cannot compile that build; the plain one has the same bits.
  const relaxed = await compile(wasmPath(hasRelaxedSimd() ? 'linear-relaxed' : 'linear-plain'));
  return { dot: await compileEmulated(EMULATIONS[dotProduct]), relaxed };
}

async function compileEmulated(product: string): Promise<WebAssembly.Module> {
  const folder = await mkdtemp(join(tmpdir(), 'edgebeam-kernels-'));
  try {
    const assembly = join(folder, 'assembly');
    await cp(join(import.meta.dirname, '../../engine/kernels/assembly'), assembly, { recursive: true });
    const source = await readFile(join(assembly, 'dot.ts'), 'utf8');
    if (!source.includes(INSTRUCTION)) throw new Error(`assembly/dot.ts does not contain ${INSTRUCTION}`);
    await writeFile(join(assembly, 'dot.ts'), source.replace(INSTRUCTION, product));
    const wasm = join(folder, 'linear-dot.wasm');
    await build('linear-dot', wasm, folder);
    return await compile(wasm);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function compile(path: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(path));
}
