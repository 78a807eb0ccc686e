/**
 * @module The checkpoint of nanoGPT's train.py, `ckpt.pt`: weights of `torch.nn.Linear`, which are those of GPT-2
 * transposed, and the model's size in `model_args`. https://github.com/karpathy/nanoGPT
 */
import { FormatError } from '../interface/format-error.ts';
import type { Json } from '../interface/metadata.ts';
import { elementsOf, type StoredTensor, type WeightFile } from '../interface/stored-tensor.ts';
import { dictAt, findStateDict, type StateDict } from './state-dict.ts';
import type { PickleDict, PickleValue } from './values.ts';

/** GPT-2's end of text, which nanoGPT puts between documents. */
const END_OF_TEXT = 50256;

/**
 * @param root what the file contains.
 * @returns the content of the `config.json` that the checkpoint would have; undefined if it is not nanoGPT's.
 * @throws FormatError if `model_args` lack a size.
 */
export function nanoGptConfig(root: PickleValue): Json | undefined {
  const args = dictAt(root, 'model_args');
  if (!args || !dictAt(root, 'model')) return undefined;
  const vocabSize = sizeOf(args, 'vocab_size');
  const endOfText = vocabSize > END_OF_TEXT ? END_OF_TEXT : null;
  return {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    vocab_size: vocabSize,
    n_positions: sizeOf(args, 'block_size'),
    n_embd: sizeOf(args, 'n_embd'),
    n_layer: sizeOf(args, 'n_layer'),
    n_head: sizeOf(args, 'n_head'),
    layer_norm_epsilon: 1e-5,
    // The option came, in January 2023, before GELU's exact form took the place of the approximation.
    activation_function: args.has('bias') ? 'gelu' : 'gelu_new',
    bos_token_id: endOfText,
    eos_token_id: endOfText,
  };
}

function sizeOf(args: PickleDict, name: string): number {
  const value = args.get(name);
  if (typeof value === 'number') return value;
  throw new FormatError(`has no number ${name} in its model_args`);
}

/** Weights of linear layers. */
const LINEAR = /\.(?:c_attn|c_proj|c_fc)\.weight$/;
/** Those whose biases `bias=False` omits. */
const BIASED = /(?:\.(?:c_attn|c_proj|c_fc)|\bln_[12f])\.weight$/;

/** @returns the tensors under their names, linear weights as GPT-2 has them: `[in, out]`. */
export function nanoGptTensors(root: PickleValue): StateDict {
  const tensors = [...findStateDict(root)].map(([name, tensor]) =>
    LINEAR.test(name) ? ([name, tensor.transposed()] as const) : ([name, tensor] as const),
  );
  return new Map(tensors);
}

/** @returns the file with the biases that the model does not have as zeros. */
export function withBiases(file: WeightFile, root: PickleValue): WeightFile {
  if (dictAt(root, 'model_args')?.get('bias') !== false) return file;
  const names = new Set(file.tensors.map(({ name }) => name));
  const biases = file.tensors.flatMap((weight) => {
    const name = weight.name.replace(/weight$/, 'bias');
    return BIASED.test(weight.name) && !names.has(name) ? [zeros(weight, name)] : [];
  });
  return { ...file, tensors: [...file.tensors, ...biases] };
}

/** @param weight `[in, out]`, or of a norm `[out]`. */
function zeros({ file, dtype, shape }: StoredTensor, name: string): StoredTensor {
  const biasShape = shape.slice(-1);
  const size = elementsOf(biasShape);
  return {
    file,
    name,
    dtype,
    shape: biasShape,
    bytes: 0,
    isFloat: true,
    read: async (first, count) => new Float32Array(Math.min(count, size - first)),
  };
}
