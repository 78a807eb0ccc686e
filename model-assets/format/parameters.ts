/** @module The parameters of a GPT-2 by name and shape, and the tensors that a converted model stores of them. */
import { type ModelConfig, type Precision, storedVocabSize, type TensorEntry } from './manifest.ts';

export interface Parameter {
  /** Without `transformer.`, e.g. `h.0.attn.c_attn.weight`. */
  readonly name: string;
  /** `linear` is the weight of a `Conv1D`, `[in, out]`; `gain` is the weight of a LayerNorm. */
  readonly kind: 'embedding' | 'gain' | 'linear' | 'bias';
  /** As stored in a checkpoint. */
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

/** A tensor of the weight stream, wherever it starts. */
export type StoredTensorEntry = Omit<TensorEntry, 'offset'>;

/** @returns the tensors of a converted model, in the order of the weight stream. */
export function storedTensors(config: ModelConfig, precision: Precision): StoredTensorEntry[] {
  return parametersOf(config).flatMap((parameter) => storedAs(parameter, config, precision));
}

function storedAs(
  { name, kind, shape: [first = 1, ...rest] }: Parameter,
  config: ModelConfig,
  precision: Precision,
): StoredTensorEntry[] {
  const scales = (columns: number): StoredTensorEntry => ({
    name: `${name}_scale`,
    dtype: 'float32',
    shape: [columns],
  });
  if (name === 'wte.weight') {
    if (precision === 'f32')
      return [{ name, dtype: 'float32', shape: [config.n_embd, storedVocabSize(config)] }];
    return [{ name, dtype: 'int8_tokens', shape: [first, config.n_embd] }, scales(first)];
  }
  const shape = [first, ...rest];
  if (kind !== 'linear' || precision === 'f32') return [{ name, dtype: 'float32', shape }];
  return [{ name, dtype: precision, shape }, scales(rest[0] ?? 1)];
}
