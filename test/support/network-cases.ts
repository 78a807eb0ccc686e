/** @module Checkpoints of `network.json`: one set of weights with the fields of a case. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeFloats, type FloatType } from '../../model-assets/checkpoint/interface/storage-types.ts';
import { elementsOf } from '../../model-assets/checkpoint/interface/stored-tensor.ts';
import { openSafetensors } from '../../model-assets/checkpoint/safetensors.ts';
import { createSafetensors } from '../../model-assets/synthesize/safetensors-writer.ts';
import { GOLDEN } from './models.ts';

export interface NetworkCase {
  readonly name: string;
  /** Fields of `config.json` besides the sizes. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The lm_head that the checkpoint stores: none, one equal to wte, the other one, or the other one without wte. */
  readonly head: 'none' | 'equal' | 'other' | 'only';
  /** Of the last token of each prompt, float32 in base64. */
  readonly logits: readonly string[];
}

export interface NetworkGolden {
  readonly config: Readonly<Record<string, unknown>>;
  readonly prompts: readonly (readonly number[])[];
  readonly cases: readonly NetworkCase[];
}

export async function readNetworkGolden(): Promise<NetworkGolden> {
  return JSON.parse(await readFile(join(GOLDEN, 'network.json'), 'utf8'));
}

export function decodeRow(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer);
}

type Tensor = { readonly name: string; readonly shape: readonly number[]; readonly values: Float32Array };

/** Writes a case's checkpoint into an existing folder. */
export async function writeNetworkCheckpoint(
  dir: string,
  { config }: NetworkGolden,
  { config: fields, head }: Pick<NetworkCase, 'config' | 'head'>,
  dtype: FloatType = 'F32',
): Promise<void> {
  await writeFile(join(dir, 'config.json'), JSON.stringify({ model_type: 'gpt2', ...config, ...fields }));
  for (const name of ['vocab.json', 'merges.txt']) {
    await copyFile(join(GOLDEN, 'odd-checkpoint', name), join(dir, name));
  }
  const tensors = withHead(await readWeights(), head);
  const writer = await createSafetensors(
    join(dir, 'model.safetensors'),
    tensors.map(({ name, shape }) => ({ name, dtype, shape: [...shape] })),
  );
  for (const { values } of tensors) {
    await writer.write(encodeFloats(values as Float32Array<ArrayBuffer>, dtype));
  }
  await writer.close();
}

async function readWeights(): Promise<Tensor[]> {
  const file = await openSafetensors(join(GOLDEN, 'network-weights.safetensors'));
  try {
    const tensors: Tensor[] = [];
    for (const { name, shape, read } of file.tensors) {
      tensors.push({ name, shape, values: await read(0, elementsOf(shape)) });
    }
    return tensors;
  } finally {
    await file.close();
  }
}

function withHead(tensors: readonly Tensor[], head: NetworkCase['head']): Tensor[] {
  const [lmHead, wte] = ['lm_head.weight', 'transformer.wte.weight'].map((searched) => {
    const found = tensors.find(({ name }) => name === searched);
    if (!found) throw new RangeError(`network-weights.safetensors has no ${searched}`);
    return found;
  }) as [Tensor, Tensor];
  const others = tensors.filter((tensor) => tensor !== lmHead && tensor !== wte);
  switch (head) {
    case 'none':
      return [wte, ...others];
    case 'equal':
      return [wte, { ...wte, name: lmHead.name }, ...others];
    case 'other':
      return [wte, lmHead, ...others];
    case 'only':
      return [lmHead, ...others];
  }
}
