/** @module LoRA adapters with random weights: as peft saves them, and beside a converted model. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addAdapter } from '../model-assets/adapters/pack.ts';
import { encodeFloats } from '../model-assets/checkpoint/interface/storage-types.ts';
import { type AdapterBase, shapeOf, type Target } from '../model-assets/format/adapter.ts';
import { manifestSchema } from '../model-assets/format/manifest.ts';
import { createRandom, fillNormal } from '../model-assets/synthesize/normal.ts';
import { createSafetensors } from '../model-assets/synthesize/safetensors-writer.ts';

export interface RandomAdapter {
  readonly rank: number;
  readonly targets: readonly Target[];
  readonly seed?: number;
}

/**
 * A converted model with random adapters, in a folder of its own.
 * @param work folder in which it is made
 * @returns its folder
 */
export async function modelWithAdapters(
  original: string,
  work: string,
  adapters: Readonly<Record<string, RandomAdapter>>,
): Promise<string> {
  const model = join(work, 'model');
  await cp(original, model, { recursive: true });
  const { config } = manifestSchema.parse(JSON.parse(await readFile(join(model, 'manifest.json'), 'utf8')));
  for (const [i, [name, adapter]] of Object.entries(adapters).entries()) {
    const source = join(work, name);
    await writeRandomAdapter(source, config, { seed: i, ...adapter });
    await addAdapter({ source, model, name });
  }
  return model;
}

/** Standard deviations of the matrices: together they change a weight by a few hundredths. */
const [A, B] = [0.05, 0.05];

export async function writeRandomAdapter(
  dir: string,
  base: AdapterBase,
  { rank, targets, seed = 0 }: RandomAdapter,
): Promise<void> {
  await mkdir(dir, { recursive: true });
  const config = { peft_type: 'LORA', task_type: 'CAUSAL_LM', r: rank, lora_alpha: rank };
  await writeFile(join(dir, 'adapter_config.json'), JSON.stringify(config));
  const tensors = Array.from({ length: base.n_layer }, (_, layer) =>
    targets.flatMap((target) => {
      const [inputs, outputs] = shapeOf(target, base);
      const name = `base_model.model.transformer.h.${layer}.${target}`;
      return [
        { name: `${name}.lora_A.weight`, dtype: 'F32', shape: [rank, inputs], deviation: A },
        { name: `${name}.lora_B.weight`, dtype: 'F32', shape: [outputs, rank], deviation: B },
      ];
    }),
  ).flat();
  const writer = await createSafetensors(join(dir, 'adapter_model.safetensors'), tensors);
  const random = createRandom(seed, 'adapter');
  for (const { shape, deviation } of tensors) {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    fillNormal(values, random, deviation);
    await writer.write(encodeFloats(values, 'F32'));
  }
  await writer.close();
}
