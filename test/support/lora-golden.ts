/** @module LoRA adapters of `test/golden/lora.json`, and others of the same kind, as folders that peft could have saved. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addAdapter } from '../../model-assets/adapters/pack.ts';
import { encodeFloats, type FloatType } from '../../model-assets/checkpoint/interface/storage-types.ts';
import { createSafetensors } from '../../model-assets/synthesize/safetensors-writer.ts';
import { foreignPath } from './foreign-golden.ts';
import { GOLDEN } from './models.ts';

export interface LoraCase {
  readonly base: 'odd' | 'gelu';
  /** Fields of `LoraConfig`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: readonly (readonly [name: string, shape: readonly number[]])[];
  readonly prompt: readonly number[];
  /** After the prompt: float32 in base64. */
  readonly logits: string;
  readonly greedy: readonly number[];
  readonly beams: readonly (readonly number[])[];
  readonly scores: readonly number[];
}

/** The checkpoints of the bases. */
export const LORA_BASES = { odd: join(GOLDEN, 'odd-checkpoint'), gelu: foreignPath('base') } as const;

export const readLoraGolden = async (): Promise<LoraCase[]> =>
  JSON.parse(await readFile(join(GOLDEN, 'lora.json'), 'utf8'));

/** Numbers from -0.5 to 0.5 with 24 bits: `hashed` of `make-lora-golden.py`. */
export function hashed(count: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => {
    let bits = (Math.imul(i, 2654435761) + Math.imul(seed, 40503)) >>> 0;
    bits ^= bits >>> 15;
    bits = Math.imul(bits, 2246822519) >>> 0;
    bits ^= bits >>> 13;
    return (bits >>> 8) / 2 ** 24 - 0.5;
  });
}

export interface WrittenAdapter {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly tensors: LoraCase['tensors'];
  readonly seed: number;
  readonly dtype?: FloatType;
}

/** Writes an adapter's folder. The weights of a tensor follow from `seed` and its index. */
export async function writeAdapter(
  dir: string,
  { config = {}, tensors, seed, dtype = 'F32' }: WrittenAdapter,
): Promise<void> {
  await mkdir(dir, { recursive: true });
  const fields = { peft_type: 'LORA', task_type: 'CAUSAL_LM', base_model_name_or_path: null, ...config };
  await writeFile(join(dir, 'adapter_config.json'), JSON.stringify(fields));
  const path = join(dir, 'adapter_model.safetensors');
  const writer = await createSafetensors(
    path,
    tensors.map(([name, shape]) => ({ name, dtype, shape })),
  );
  for (const [i, [, shape]] of tensors.entries()) {
    const count = shape.reduce((product, size) => product * size, 1);
    await writer.write(encodeFloats(hashed(count, seed + i), dtype));
  }
  await writer.close();
}

/** The tensors of an adapter of these layers. */
export function loraTensors(
  rank: number,
  shapes: Readonly<Record<string, readonly [inputs: number, outputs: number]>>,
): LoraCase['tensors'] {
  return Object.entries(shapes).flatMap(([name, [inputs, outputs]]) => [
    [`base_model.model.transformer.${name}.lora_A.weight`, [rank, inputs]] as const,
    [`base_model.model.transformer.${name}.lora_B.weight`, [outputs, rank]] as const,
  ]);
}

/** Writes an adapter into a folder, and adds it to a model. */
export async function addWritten(
  model: string,
  name: string,
  adapter: WrittenAdapter,
  source = `${model}-${name}`,
): Promise<void> {
  await writeAdapter(source, adapter);
  await addAdapter({ source, model, name });
}
