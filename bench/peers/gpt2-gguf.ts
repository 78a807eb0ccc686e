/**
 * @module Converts a GPT-2 checkpoint to GGUF at F32, Q8_0 or Q4_0, with the names and types of llama.cpp's own
 * `convert_hf_to_gguf.py` and `llama-quantize`: matrices in blocks of 32 numbers with an f16 scale,
 * positions, norms and biases f32.
 *
 * At Q4_0 the tied token embedding is Q8_0, where `llama-quantize` has Q6_K: a quarter smaller, and a search
 * for scales that does not matter to a benchmark of time.
 */
import * as z from 'zod';
import { openCheckpoint } from '../../model-assets/checkpoint/checkpoint.ts';
import { folderMetadata } from '../../model-assets/checkpoint/interface/metadata.ts';
import { elementsOf, type StoredTensor } from '../../model-assets/checkpoint/interface/stored-tensor.ts';
import type { ModelConfig } from '../../model-assets/format/manifest.ts';
import { type Parameter, parametersOf } from '../../model-assets/format/parameters.ts';
import { readTokenizerFiles } from '../../model-assets/tokenizer/files/read-files.ts';
import { GGML_TYPE, type GgufValue, writeGguf } from './gguf.ts';

export type GgufPrecision = 'Q8_0' | 'Q4_0';
/** F32 is for what is compared with llama.cpp, not for what is timed. */
type Precision = GgufPrecision | 'F32';

/** `llama_ftype` */
const FILE_TYPE: Record<Precision, number> = { F32: 0, Q4_0: 2, Q8_0: 7 };
/** `llama_token_type` */
const [NORMAL, CONTROL] = [1, 3];

/** @param out the file to write */
export async function writeGpt2Gguf(
  checkpointFolder: string,
  precision: Precision,
  out: string,
): Promise<void> {
  const checkpoint = await openCheckpoint(checkpointFolder);
  try {
    const { config, parameters } = checkpoint;
    const metadata = {
      ...architecture(config, precision),
      ...(await tokenizer(checkpointFolder, config)),
    };
    const tensors = parametersOf(config).map((parameter) => {
      const type = ggmlType(parameter, precision);
      return {
        name: ggmlName(parameter.name),
        type,
        dimensions: ggmlDimensions(parameter),
        async bytes() {
          // openCheckpoint guarantees that every parameter exists.
          const values = await readRows(parameters.get(parameter.name) as StoredTensor, parameter);
          return QUANTIZERS[type](values);
        },
      };
    });
    await writeGguf(out, metadata, tensors);
  } finally {
    await checkpoint.close();
  }
}

function ggmlType({ kind, name }: Parameter, precision: Precision): Precision {
  if (kind === 'linear' || precision === 'F32') return precision;
  return name === 'wte.weight' ? 'Q8_0' : 'F32';
}

function architecture(config: ModelConfig, precision: Precision): Record<string, GgufValue> {
  return {
    'general.architecture': { string: 'gpt2' },
    'general.name': { string: 'gpt2' },
    'general.file_type': { uint32: FILE_TYPE[precision] },
    'general.quantization_version': { uint32: 2 },
    'gpt2.block_count': { uint32: config.n_layer },
    'gpt2.context_length': { uint32: config.n_positions },
    'gpt2.embedding_length': { uint32: config.n_embd },
    'gpt2.feed_forward_length': { uint32: config.n_inner },
    'gpt2.attention.head_count': { uint32: config.n_head },
    'gpt2.attention.layer_norm_epsilon': { float32: config.layer_norm_epsilon },
  };
}

const bpeMerges = z.object({ merges: z.array(z.union([z.string(), z.array(z.string())])) });

async function tokenizer(folder: string, config: ModelConfig): Promise<Record<string, GgufValue>> {
  const { vocabulary, added, json } = await readTokenizerFiles(folderMetadata(folder));
  const { merges } = bpeMerges.parse(json.model);
  const tokens = Array.from({ length: config.vocab_size }, (_, id) => `[PAD${id}]`);
  for (const [token, id] of vocabulary) tokens[id] = token;
  for (const { content, id } of added) tokens[id] = content;
  const end = config.eos_token_ids[0] ?? config.vocab_size - 1;
  return {
    'tokenizer.ggml.model': { string: 'gpt2' },
    'tokenizer.ggml.pre': { string: 'gpt-2' },
    'tokenizer.ggml.tokens': { strings: tokens },
    'tokenizer.ggml.token_type': { int32s: tokens.map((_, id) => (id === end ? CONTROL : NORMAL)) },
    'tokenizer.ggml.merges': {
      strings: merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' '))),
    },
    'tokenizer.ggml.bos_token_id': { uint32: config.bos_token_id ?? end },
    'tokenizer.ggml.eos_token_id': { uint32: end },
    'tokenizer.ggml.add_bos_token': { bool: false },
  };
}

const NAMES: readonly (readonly [string, string])[] = [
  ['wte.', 'token_embd.'],
  ['wpe.', 'position_embd.'],
  ['ln_f.', 'output_norm.'],
  ['.ln_1.', '.attn_norm.'],
  ['.attn.c_attn.', '.attn_qkv.'],
  ['.attn.c_proj.', '.attn_output.'],
  ['.ln_2.', '.ffn_norm.'],
  ['.mlp.c_fc.', '.ffn_up.'],
  ['.mlp.c_proj.', '.ffn_down.'],
];

/** `h.0.attn.c_attn.weight` → `blk.0.attn_qkv.weight` */
function ggmlName(name: string): string {
  const renamed = NAMES.reduce((text, [from, to]) => text.replace(from, to), name);
  return renamed.replace(/^h\./, 'blk.');
}

/**
 * ggml's row length first. A row has the length of the matmul's input: a Conv1D `[in, out]` has `out` rows of
 * `in`.
 */
function ggmlDimensions({ kind, shape }: Parameter): readonly number[] {
  return kind === 'linear' ? shape : shape.toReversed();
}

async function readRows(tensor: StoredTensor, { kind, shape }: Parameter): Promise<Float32Array> {
  const values = await tensor.read(0, elementsOf(shape));
  if (kind !== 'linear') return values;
  const [inputs = 0, outputs = 0] = shape;
  const rows = new Float32Array(values.length);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < outputs; j++) rows[j * inputs + i] = values[i * outputs + j] as number;
  }
  return rows;
}

/** ggml's `quantize_row_q8_0_ref`: for each 32 numbers d = max|x| / 127 as f16, then round(x / d) as int8. */
export function quantizeQ8(values: Float32Array): Uint8Array {
  const { blockElements, blockBytes } = GGML_TYPE.Q8_0;
  const bytes = new Uint8Array((values.length / blockElements) * blockBytes);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block * blockElements < values.length; block++) {
    const numbers = values.subarray(block * blockElements, (block + 1) * blockElements);
    const scale = numbers.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127;
    view.setFloat16(block * blockBytes, scale, true);
    for (const [i, x] of numbers.entries()) {
      view.setInt8(block * blockBytes + 2 + i, scale === 0 ? 0 : roundHalfAwayFromZero(x / scale));
    }
  }
  return bytes;
}

/** C's `roundf`; Math.round rounds -0.5 towards zero. */
const roundHalfAwayFromZero = (x: number) => Math.sign(x) * Math.round(Math.abs(x));

/**
 * ggml's `quantize_row_q4_0_ref`: for each 32 numbers d = m / -8 as f16, for the number m with the largest
 * magnitude, then codes floor(x / d + 8.5), at most 15. A byte holds those of two numbers 16 apart.
 */
export function quantizeQ4(values: Float32Array): Uint8Array {
  const { blockElements, blockBytes } = GGML_TYPE.Q4_0;
  const bytes = new Uint8Array((values.length / blockElements) * blockBytes);
  const view = new DataView(bytes.buffer);
  const half = blockElements / 2;
  for (let block = 0; block * blockElements < values.length; block++) {
    const numbers = values.subarray(block * blockElements, (block + 1) * blockElements);
    const scale = numbers.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0) / -8;
    const code = (i: number) =>
      scale === 0 ? 8 : Math.min(15, Math.floor((numbers[i] as number) / scale + 8.5));
    view.setFloat16(block * blockBytes, scale, true);
    for (let i = 0; i < half; i++) bytes[block * blockBytes + 2 + i] = code(i) | (code(i + half) << 4);
  }
  return bytes;
}

const QUANTIZERS: Record<Precision, (values: Float32Array) => Uint8Array> = {
  F32: (values) => new Uint8Array(values.buffer),
  Q8_0: quantizeQ8,
  Q4_0: quantizeQ4,
};
