/** @module The parameters of a GPT-2 by name and shape, and the tensors that a converted model stores of them. */
import {
  type ModelConfig,
  type Precision,
  storedVocabSize,
  type TensorEntry,
  tensorBytes,
} from './manifest.ts';

export interface Parameter {
  /** Without `transformer.`, e.g. `h.0.attn.c_attn.weight`. */
  readonly name: string;
  /** `linear` is the weight of a `Conv1D`, `[in, out]`; `gain` is the weight of a LayerNorm. */
  readonly kind: 'embedding' | 'gain' | 'linear' | 'bias';
  /** As stored in a checkpoint. */
  readonly shape: readonly number[];
}

export type ModelSize = Pick<ModelConfig, 'n_layer' | 'n_embd' | 'n_inner' | 'n_positions' | 'vocab_size'> &
  /** Default: true. */
  Partial<Pick<ModelConfig, 'tie_word_embeddings'>>;

/** @returns every parameter of the model, in the order of the weight stream. */
export function parametersOf(config: ModelSize): Parameter[] {
  const { n_layer, n_embd, n_inner, n_positions, vocab_size, tie_word_embeddings = true } = config;
  const tokens = (name: string): Parameter => ({ name, kind: 'embedding', shape: [vocab_size, n_embd] });
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
    tokens('wte.weight'),
    { name: 'wpe.weight', kind: 'embedding', shape: [n_positions, n_embd] },
    ...layerNorm('ln_f'),
    ...Array.from({ length: n_layer }, (_, layer) => block(`h.${layer}`)).flat(),
    ...(tie_word_embeddings ? [] : [tokens('lm_head.weight')]),
  ];
}

/** The name of the matrix of the lm_head. */
export const lmHeadWeight = ({ tie_word_embeddings }: Pick<ModelConfig, 'tie_word_embeddings'>) =>
  tie_word_embeddings ? 'wte.weight' : 'lm_head.weight';

/** A tensor of the weight stream, wherever it starts. */
export type StoredTensorEntry = Omit<TensorEntry, 'offset'>;

/** @returns the tensors of a converted model, in the order of the weight stream. */
export function storedTensors(config: ModelConfig, precision: Precision): StoredTensorEntry[] {
  return parametersOf(config).flatMap((parameter) => storedAs(parameter, config, precision));
}

/** @returns the bytes of a converted model's weights. */
export const weightBytes = (config: ModelConfig, precision: Precision): number =>
  storedTensors(config, precision).reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0);

function storedAs(
  { name, kind, shape: [first = 1, ...rest] }: Parameter,
  config: ModelConfig,
  precision: Precision,
): StoredTensorEntry[] {
  const floats = (shape: number[]): StoredTensorEntry[] => [{ name, dtype: 'float32', shape }];
  const quantized = (dtype: Exclude<TensorEntry['dtype'], 'float32'>, shape: number[], scales: number) => [
    { name, dtype, shape },
    { name: `${name}_scale`, dtype: 'float32' as const, shape: [scales] },
  ];
  const { n_embd, vocab_size } = config;
  if (name === lmHeadWeight(config)) {
    if (precision === 'f32') return floats([n_embd, storedVocabSize(config)]);
    return quantized('int8_tokens', [vocab_size, n_embd], vocab_size);
  }
  if (name === 'wte.weight' && precision === 'int8') {
    return quantized('int8_tokens', [vocab_size, n_embd], vocab_size);
  }
  if (name === 'wte.weight' && precision === 'int4')
    return quantized('int4', [n_embd, vocab_size], vocab_size);
  const shape = [first, ...rest];
  if (kind !== 'linear' || precision === 'f32') return floats(shape);
  return quantized(precision, shape, rest[0] ?? 1);
}
