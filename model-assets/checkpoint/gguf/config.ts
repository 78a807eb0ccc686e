/** @module The `config.json` of a GGUF file's metadata. */

import { CheckpointError } from '../interface/errors.ts';
import type { Json } from '../interface/metadata.ts';
import type { GgufValue } from './types.ts';

export type GgufMetadata = ReadonlyMap<string, GgufValue>;

/** The fields of `config.json` by the keys that llama.cpp's `convert_hf_to_gguf.py` writes for GPT-2. */
const FIELDS = {
  n_layer: 'gpt2.block_count',
  n_positions: 'gpt2.context_length',
  n_embd: 'gpt2.embedding_length',
  n_inner: 'gpt2.feed_forward_length',
  n_head: 'gpt2.attention.head_count',
  layer_norm_epsilon: 'gpt2.attention.layer_norm_epsilon',
} as const;

/**
 * @param name of the file, for errors.
 * @param vocabSize the number of rows of the token embedding, undefined if there is none.
 * @param hasHead whether the file has an output matrix, which may equal the embedding.
 * @returns `config.json`. llama.cpp computes GPT-2 with GELU's tanh form whatever the checkpoint had.
 * @throws CheckpointError for another architecture than GPT-2, a part of a split model, or a missing field.
 */
export function configOfGguf(
  name: string,
  metadata: GgufMetadata,
  { vocabSize, hasHead }: { readonly vocabSize: number | undefined; readonly hasHead: boolean },
): Json {
  const architecture = metadata.get('general.architecture');
  if (architecture !== 'gpt2') {
    throw new CheckpointError(
      `${name}: general.architecture ${JSON.stringify(architecture)} is not supported, expected "gpt2"`,
    );
  }
  const type = metadata.get('general.type') ?? 'model';
  if (type !== 'model')
    throw new CheckpointError(
      `${name}: general.type ${JSON.stringify(type)} is not supported, expected "model"`,
    );
  const parts = metadata.get('split.count') ?? 0;
  if (typeof parts !== 'number' || parts > 1) {
    throw new CheckpointError(
      `${name} is one of ${parts} parts of a model: merge them with "llama-gguf-split --merge"`,
    );
  }
  const fields = Object.entries(FIELDS).map(([field, key]) => [field, numberOf(name, metadata, key)]);
  return {
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    activation_function: 'gelu_new',
    ...Object.fromEntries(fields),
    ...(vocabSize !== undefined && { vocab_size: vocabSize }),
    tie_word_embeddings: !hasHead,
    bos_token_id: tokenId(name, metadata, 'tokenizer.ggml.bos_token_id'),
    eos_token_id: tokenId(name, metadata, 'tokenizer.ggml.eos_token_id'),
  };
}

function numberOf(name: string, metadata: GgufMetadata, key: string): number {
  const value = metadata.get(key);
  if (typeof value !== 'number')
    throw new CheckpointError(`${name}: ${key} is ${JSON.stringify(value) ?? 'missing'}, expected a number`);
  // A float32 in a double: the shortest decimal that gives the same float32 is what was meant, 1e-5.
  return Number.isInteger(value) ? value : Number(value.toPrecision(7));
}

/** @returns null if the file names no such token. */
export function tokenId(name: string, metadata: GgufMetadata, key: string): number | null {
  return metadata.has(key) ? numberOf(name, metadata, key) : null;
}
