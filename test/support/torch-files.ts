/** @module The files of test/golden/torch: torch's own, written by test/golden/make-torch-golden.py. */
import { join } from 'node:path';
import { openTorch } from '../../model-assets/checkpoint/torch/torch-file.ts';
import { GOLDEN } from './models.ts';

export const torchFile = (name: string): string => join(GOLDEN, 'torch', name);

/** As in the script. */
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  'wte.weight': [6, 4],
  'wpe.weight': [5, 4],
  'ln_f.weight': [4],
  'h.0.attn.c_attn.weight': [4, 12],
};

export interface ReadTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** The state dict that all files contain. */
export function expectedTensors(prefix = ''): ReadTensor[] {
  return Object.entries(SHAPES).map(([name, shape], index) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = Array.from({ length: count }, (_, i) => ((i * (2 * index + 3)) % 251) / 8 - 15.5);
    return { name: prefix + name, shape, values };
  });
}

/** @returns the floating-point tensors of a file with all values, and the others' names with type and shape. */
export async function readTorch(path: string) {
  const file = await openTorch(path);
  try {
    const tensors: ReadTensor[] = [];
    const others: string[] = [];
    for (const tensor of file.tensors) {
      const { name, shape, dtype, isFloat } = tensor;
      const count = shape.reduce((product, size) => product * size, 1);
      if (isFloat) tensors.push({ name, shape, values: [...(await tensor.read(0, count))] });
      else others.push(`${name} ${dtype} [${shape}]`);
    }
    return { tensors, others, dtypes: [...new Set(file.tensors.map(({ dtype }) => dtype))] };
  } finally {
    await file.close();
  }
}
