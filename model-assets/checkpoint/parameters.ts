/**
 * @module The parameters of a GPT-2 by name and shape, and the spellings checkpoints have for them.
 */
import type { ModelConfig } from '../format/manifest.ts';
import { CheckpointError } from './errors.ts';
import type { StoredTensor } from './safetensors.ts';
import { isFloatType } from './storage-types.ts';

export interface Parameter {
  /** Without `transformer.`, e.g. `h.0.attn.c_attn.weight`. */
  readonly name: string;
  /** `linear` is the weight of a `Conv1D`, `[in, out]`; `gain` that of a LayerNorm. */
  readonly kind: 'embedding' | 'gain' | 'linear' | 'bias';
  /** As a checkpoint stores it. */
  readonly shape: readonly number[];
}

export type ModelSize = Pick<ModelConfig, 'n_layer' | 'n_embd' | 'n_inner' | 'n_positions' | 'vocab_size'>;

/** @returns every parameter of the model, in the order of the weight stream. */
export function parametersOf(config: ModelSize): Parameter[] {
  const { n_layer, n_embd, n_inner, n_positions, vocab_size } = config;
  const layerNorm = (name: string): Parameter[] => [
    { name: `${name}.weight`, kind: 'gain', shape: [n_embd] },
    { name: `${name}.bias`, kind: 'bias', shape: [n_embd] },
  ];
  const conv1D = (name: string, inputs: number, outputs: number): Parameter[] => [
    { name: `${name}.weight`, kind: 'linear', shape: [inputs, outputs] },
    { name: `${name}.bias`, kind: 'bias', shape: [outputs] },
  ];
  const block = (h: string): Parameter[] => [
    ...layerNorm(`${h}.ln_1`),
    ...conv1D(`${h}.attn.c_attn`, n_embd, 3 * n_embd),
    ...conv1D(`${h}.attn.c_proj`, n_embd, n_embd),
    ...layerNorm(`${h}.ln_2`),
    ...conv1D(`${h}.mlp.c_fc`, n_embd, n_inner),
    ...conv1D(`${h}.mlp.c_proj`, n_inner, n_embd),
  ];
  return [
    { name: 'wte.weight', kind: 'embedding', shape: [vocab_size, n_embd] },
    { name: 'wpe.weight', kind: 'embedding', shape: [n_positions, n_embd] },
    ...layerNorm('ln_f'),
    ...Array.from({ length: n_layer }, (_, layer) => block(`h.${layer}`)).flat(),
  ];
}

/** The suffixes of OpenAI's TensorFlow checkpoint for `.weight` and `.bias`. */
const TENSORFLOW_SUFFIX = { embedding: '', gain: '.g', linear: '.w', bias: '.b' } as const;

/** @returns the names a checkpoint may have for a parameter. */
function spellings({ name, kind }: Parameter): string[] {
  const tensorflow = name.replace(/\.(weight|bias)$/, TENSORFLOW_SUFFIX[kind]);
  return [name, tensorflow].flatMap((spelling) => [spelling, `transformer.${spelling}`]);
}

/** TensorFlow's `conv1d` has a kernel of width one in front: `[1, in, out]`. */
function fits({ kind, shape }: Parameter, found: StoredTensor): boolean {
  const [width, ...rest] = found.shape;
  const isKernel = kind === 'linear' && found.name.endsWith('.w') && found.shape.length === 3 && width === 1;
  return sameShape(shape, isKernel ? rest : found.shape);
}

const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((n, i) => n === b[i]);

/**
 * Old checkpoints hold the causal mask as `h.N.attn.bias` `[1, 1, n, n]` and its fill as the scalar `h.N.attn.masked_bias`.
 * They are buffers; the attention's own biases are `h.N.attn.c_attn.bias` and `h.N.attn.c_proj.bias`.
 */
function isMaskBuffer({ name, shape }: StoredTensor, { n_layer }: ModelConfig): boolean {
  const [, layer, buffer] = /^(?:transformer\.)?h\.(\d+)\.attn\.(bias|masked_bias)$/.exec(name) ?? [];
  if (layer === undefined || Number(layer) >= n_layer) return false;
  const isScalar = shape.every((size) => size === 1);
  return buffer === 'masked_bias'
    ? isScalar
    : shape.length === 4 && shape[2] === shape[3] && shape[0] === 1 && shape[1] === 1;
}

export interface NamedTensors {
  /** One for each of {@link parametersOf}, by its name. */
  readonly parameters: ReadonlyMap<string, StoredTensor>;
  /** The output layer, if the checkpoint stores it beside `wte.weight`. */
  readonly lmHead: StoredTensor | undefined;
}

/**
 * Finds the model's parameters among the tensors of a checkpoint.
 *
 * @param label what to call the checkpoint in an error.
 * @throws CheckpointError with every tensor that is missing, unknown, there twice, or of a wrong shape or type.
 */
export function nameTensors(
  label: string,
  tensors: readonly StoredTensor[],
  config: ModelConfig,
): NamedTensors {
  const wanted = parametersOf(config);
  const bySpelling = new Map(
    wanted.flatMap((parameter) => spellings(parameter).map((name) => [name, parameter])),
  );
  const embedding = {
    name: 'lm_head.weight',
    kind: 'embedding',
    shape: [config.vocab_size, config.n_embd],
  } as const;
  bySpelling.set(embedding.name, embedding);

  const found = new Map<string, StoredTensor>();
  const faults: string[] = [];
  for (const tensor of tensors) {
    const parameter = bySpelling.get(tensor.name);
    if (!parameter) {
      if (!isMaskBuffer(tensor, config)) faults.push(`${tensor.name} is unknown, found [${tensor.shape}]`);
      continue;
    }
    const twin = found.get(parameter.name);
    if (twin) faults.push(`${parameter.name} is there twice, as ${twin.name} and as ${tensor.name}`);
    if (!fits(parameter, tensor)) {
      faults.push(
        `${tensor.name} has the wrong shape, expected [${parameter.shape}], found [${tensor.shape}]`,
      );
    }
    if (!isFloatType(tensor.dtype)) {
      faults.push(`${tensor.name} is stored as ${tensor.dtype}, expected F32, F16 or BF16`);
    }
    found.set(parameter.name, tensor);
  }
  for (const { name, shape } of wanted) {
    if (!found.has(name)) faults.push(`${name} is missing, expected [${shape}]`);
  }
  if (faults.length > 0) {
    throw new CheckpointError(
      `${label} does not match config.json:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
  }
  const lmHead = found.get(embedding.name);
  found.delete(embedding.name);
  return { parameters: found, lmHead };
}
