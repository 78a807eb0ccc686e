/**
 * @module `manifest.json` of a converted model, the first file that the engine reads.
 *
 * The weights are one stream of bytes, cut into shards of at most 24 MiB (Workers' static assets are limited
 * to 25 MiB per file). A tensor is a range of that stream and may span shards. The loader copies the stream
 * into the heap unchanged, so a tensor's address is the stream's address plus `offset`.
 */
import * as z from 'zod';
import { ACTIVATION_FUNCTIONS } from './activations.ts';
import { ADAPTER_DTYPES, MAX_RANK, TARGETS } from './adapter.ts';
import { int4Bytes, int8Bytes } from './packed.ts';

export const MANIFEST_VERSION = 4;

/** Tensors start at multiples of this many bytes: a cache line, which also suffices for any SIMD load. */
export const TENSOR_ALIGNMENT = 64;

/** Every isolate reads the list, which takes 1 kB for each. */
export const MAX_ADAPTERS = 256;
/** The name of an adapter is a part of its file's. */
export const ADAPTER_NAME = /^[\w.-]{1,100}$/;

const count = z.int().positive();
const tokenId = z.int().nonnegative();

/** Lower-case hexadecimal. */
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const file = z.strictObject({
  path: z.string().regex(/^[\w.-]+$/),
  bytes: count,
  sha256,
});

/** A file of a checkpoint, which may be empty. */
const sourceFile = file.extend({ bytes: z.int().nonnegative() });

/** Names as in Hugging Face's `GPT2Config`. */
export const configSchema = z.strictObject({
  n_layer: count,
  n_head: count,
  n_embd: count,
  n_inner: count,
  n_positions: count,
  vocab_size: count,
  layer_norm_epsilon: z.number().nonnegative(),
  activation_function: z.enum(ACTIVATION_FUNCTIONS),
  scale_attn_weights: z.boolean(),
  scale_attn_by_inverse_layer_idx: z.boolean(),
  /** Whether one matrix serves the embedding and the lm_head. */
  tie_word_embeddings: z.boolean(),
  bos_token_id: tokenId.nullable(),
  /** Empty when the model has no end-of-text token. */
  eos_token_ids: z.array(tokenId),
});

const tensor = z.strictObject({
  /** As in the checkpoint, without `transformer.`: `h.0.attn.c_attn.weight`. Scales are `….weight_scale`. */
  name: z.string(),
  /** All but `float32` are packed for the kernels: see `packed.ts`. */
  dtype: z.enum(['float32', 'int8', 'int4', 'int8_tokens']),
  /**
   * Linear layers are `[in, out]`. The matrix of the lm_head is `float32` `[n_embd, storedVocabSize]`, or
   * `int8_tokens` `[vocab_size, n_embd]`: `wte.weight`, whose one copy serves the embedding too, or
   * `lm_head.weight`. An embedding beside an `lm_head.weight` is `float32` or `int8_tokens` `[vocab_size, n_embd]`, or
   * `int4` `[n_embd, vocab_size]`.
   */
  shape: z.array(count).min(1).max(2),
  /** In bytes from the start of the weight stream. */
  offset: z.int().nonnegative(),
});

const hubModel = z.strictObject({ id: z.string(), commit: z.string().regex(/^[0-9a-f]{40}$/) });

const adapter = z.strictObject({
  /** Its id in the API. */
  name: z.string().regex(ADAPTER_NAME),
  /** Packed: see `adapter.ts`. */
  file,
  dtype: z.enum(ADAPTER_DTYPES),
  /** The largest of its layers'. */
  rank: z.int().min(1).max(MAX_RANK),
  targets: z.array(z.enum(TARGETS)).min(1),
  /** The files of the adapter that were read. */
  source: z.array(file).min(1),
  /** For an adapter from the Hugging Face hub. */
  hub: hubModel.optional(),
});

export const manifestSchema = z.strictObject({
  format: z.literal('edgebeam'),
  version: z.literal(MANIFEST_VERSION),
  /** The model's id in the API. */
  name: z.string().min(1),
  precision: z.enum(['int4', 'int8', 'f32']),
  config: configSchema,
  graphs: z.union([
    /** f32: the whole model except attention. */
    z.strictObject({ embed: file, qkv: file, block: file, head: file }),
    /** f32 of a model with adapters, which change the results of linear layers. */
    z.strictObject({
      embed: file,
      norm: file,
      linear: file,
      residual_norm: file,
      activation: file,
      head: file,
    }),
    /** int8 and int4: the parts between the kernels' matmuls. GELU's tanh form is a kernel too. */
    z.strictObject({ norm: file, residual_norm: file }),
    z.strictObject({ norm: file, residual_norm: file, activation: file }),
  ]),
  /** Concatenated in this order, they are the weight stream. */
  shards: z.array(file).min(1),
  tensors: z.array(tensor).min(1),
  tokenizer: file,
  /** LoRA adapters beside the model, which requests name. */
  adapters: z.array(adapter).max(MAX_ADAPTERS).optional(),
  /** Its defaults of decoding options, as in `generation_config.json`. */
  generation_config: z.record(z.string(), z.unknown()).optional(),
  /** Of a model that chats. */
  chat: z
    .strictObject({
      /** Jinja, by name; requests that name none use `default`. */
      templates: z.record(z.string().min(1), z.string()),
      /** What templates may write, by name: `eos_token`. */
      special_tokens: z.record(z.string().min(1), z.string()),
    })
    .optional(),
  provenance: z.strictObject({
    converter: z.string(),
    /** The files of the checkpoint that were read. */
    source: z.array(sourceFile).min(1),
    /** The checkpoint's storage types. */
    dtypes: z.array(z.string()),
    /** For a checkpoint from the Hugging Face hub: the model's id and commit. */
    hub: hubModel.optional(),
    /** For a LoRA adapter whose base is from there: the base's. */
    base: hubModel.optional(),
  }),
  /** The calibration text of `int4`; `sha256` is of its token ids as int32. */
  calibration: z
    .discriminatedUnion('text', [
      z.strictObject({ text: z.literal('none') }),
      z.strictObject({ text: z.enum(['self', 'file']), tokens: count, sha256 }),
    ])
    .optional(),
  /** Per quantized tensor: the largest and the RMS error, relative to the tensor's root mean square. */
  quantization: z.array(
    z.strictObject({ name: z.string(), max_error: z.number(), relative_rms_error: z.number() }),
  ),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ModelConfig = z.infer<typeof configSchema>;
export type AdapterEntry = z.infer<typeof adapter>;
export type ModelFile = z.infer<typeof file>;
export type TensorEntry = z.infer<typeof tensor>;
export type Precision = Manifest['precision'];

/** Bytes of a tensor in the weight stream. */
export function tensorBytes(dtype: TensorEntry['dtype'], shape: readonly number[]): number {
  const [first = 1, second = 1] = shape;
  switch (dtype) {
    case 'float32':
      return 4 * first * second;
    case 'int8':
      return int8Bytes(first, second);
    case 'int4':
      return int4Bytes(first, second);
    case 'int8_tokens':
      return int8Bytes(second, first);
  }
}

/**
 * Columns of the f32 matrix of the lm_head: one per token, padded with zeros to a multiple of 128. Unpadded, GPT-2's
 * 50,257 columns would start each row at a different offset in a cache line: the matmul takes 9.9 ms so, 6.9
 * ms with padding.
 */
export function storedVocabSize({ vocab_size }: Pick<ModelConfig, 'vocab_size'>): number {
  return Math.ceil(vocab_size / 128) * 128;
}
