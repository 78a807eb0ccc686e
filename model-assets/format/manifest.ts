/**
 * @module What a converted model says about itself: `manifest.json`, the first file the engine reads.
 *
 * The weights are one stream of bytes, cut into shards of at most 24 MiB (static assets end at 25 MiB a file).
 * A tensor is a range of that stream and may cross from one shard into the next; the loader puts the stream
 * into the heap as it is, so a tensor's address is the stream's address plus `offset`.
 */
import * as z from 'zod';

export const MANIFEST_VERSION = 2;

/** Every tensor starts at a multiple of this many bytes: a cache line, and enough for any SIMD load. */
export const TENSOR_ALIGNMENT = 64;

const count = z.int().positive();
const tokenId = z.int().nonnegative();

/** Lower-case hexadecimal. */
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const file = z.strictObject({
  path: z.string().regex(/^[\w.-]+$/),
  bytes: count,
  sha256,
});

/** The names are those of a Hugging Face `GPT2Config`. */
export const configSchema = z.strictObject({
  n_layer: count,
  n_head: count,
  n_embd: count,
  n_inner: count,
  n_positions: count,
  vocab_size: count,
  layer_norm_epsilon: z.number().positive(),
  activation_function: z.enum(['gelu_new', 'gelu_fast', 'gelu_pytorch_tanh', 'gelu', 'relu', 'silu']),
  scale_attn_weights: z.boolean(),
  bos_token_id: tokenId.nullable(),
  /** Empty when the model has no end-of-text token. */
  eos_token_ids: z.array(tokenId),
});

const tensor = z.strictObject({
  /** As in the checkpoint without `transformer.`, e.g. `h.0.attn.c_attn.weight`; `….weight_scale` beside an int8 one. */
  name: z.string(),
  /**
   * `int4` and `int8_tokens` are as the kernels read them (`model-assets/format/pack.ts`): 4-bit codes with their multipliers,
   * and tokens of 8-bit codes.
   */
  dtype: z.enum(['float32', 'int8', 'int4', 'int8_tokens']),
  /**
   * Linear layers `[in, out]`; `wte.weight` is stored `[n_embd, storedVocabSize]` so that one copy serves both ends, or
   * as `int8_tokens` `[vocab_size, n_embd]`.
   */
  shape: z.array(count).min(1).max(2),
  /** First byte, counted from the start of the weight stream. */
  offset: z.int().nonnegative(),
});

export const manifestSchema = z.strictObject({
  format: z.literal('edgebeam'),
  version: z.literal(MANIFEST_VERSION),
  /** Served as the model's id. */
  name: z.string().min(1),
  precision: z.enum(['int4', 'int8', 'f32']),
  config: configSchema,
  graphs: z.union([
    /** The whole model but attention: f32 and int8. */
    z.strictObject({ embed: file, qkv: file, block: file, head: file }),
    /** What is between the products of 4-bit weights. */
    z.strictObject({ norm: file, residual_norm: file, activation: file }),
  ]),
  /** In order; their bytes one after the other are the weight stream. */
  shards: z.array(file).min(1),
  tensors: z.array(tensor).min(1),
  tokenizer: file,
  provenance: z.strictObject({
    converter: z.string(),
    /** The checkpoint's own files, as they were read. */
    source: z.array(file).min(1),
    /** The checkpoint's storage types. */
    dtypes: z.array(z.string()),
    /** The model on the Hugging Face hub and its commit, if the checkpoint came from there. */
    hub: z.strictObject({ id: z.string(), commit: z.string().regex(/^[0-9a-f]{40}$/) }).optional(),
  }),
  /** What the codes of `int4` were chosen by; `sha256` is that of the token ids, int32. */
  calibration: z
    .discriminatedUnion('text', [
      z.strictObject({ text: z.literal('none') }),
      z.strictObject({ text: z.enum(['self', 'file']), tokens: count, sha256 }),
    ])
    .optional(),
  /** Per quantized tensor: the largest and the root-mean-square error, relative to the tensor's own root mean square. */
  quantization: z.array(
    z.strictObject({ name: z.string(), max_error: z.number(), relative_rms_error: z.number() }),
  ),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ModelConfig = z.infer<typeof configSchema>;
export type ModelFile = z.infer<typeof file>;
export type TensorEntry = z.infer<typeof tensor>;
export type Precision = Manifest['precision'];

/** What a tensor takes of the weight stream. */
export function tensorBytes(dtype: TensorEntry['dtype'], shape: readonly number[]): number {
  const [first = 1, second = 1] = shape;
  switch (dtype) {
    case 'float32':
      return 4 * first * second;
    case 'int8':
      return first * second;
    case 'int4':
      // Half a byte for each code, and a multiplier for each 32.
      return (upTo(32, first) * upTo(4, second) * 17) / 32;
    case 'int8_tokens':
      return upTo(4, first) * upTo(8, second);
  }
}

function upTo(multiple: number, count: number): number {
  return Math.ceil(count / multiple) * multiple;
}

/**
 * Columns of the stored `wte`: tokens, and zeros up to a multiple of 128. GPT-2's 50,257 columns as they are would
 * start each row of the matrix somewhere else in a cache line: the product takes 9.9 ms so, 6.9 with the zeros.
 */
export function storedVocabSize({ vocab_size }: Pick<ModelConfig, 'vocab_size'>): number {
  return upTo(128, vocab_size);
}
