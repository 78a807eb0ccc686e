/**
 * @module Opens a GGUF file of a GPT-2, llama.cpp's format: its metadata as Hugging Face's files, and its
 * tensors under the names and in the layout of PyTorch.
 */
import { basename } from 'node:path';
import { BinaryFile } from '../interface/binary-file.ts';
import type { CheckpointSource } from '../interface/checkpoint-source.ts';
import { CheckpointError } from '../interface/errors.ts';
import { FormatError } from '../interface/format-error.ts';
import type { Json, Metadata } from '../interface/metadata.ts';
import { decodeFloats } from '../interface/storage-types.ts';
import { checkValues, elementsOf, type StoredTensor, type WeightFile } from '../interface/stored-tensor.ts';
import { transpose } from '../interface/transpose.ts';
import { configOfGguf } from './config.ts';
import { type GgufHeader, type GgufTensor, readGgufHeader } from './header.ts';
import { TOKENIZER_ARRAYS, tokenizerOfGguf } from './tokenizer.ts';
import { isReadable, READABLE_TYPES, type ReadableType } from './types.ts';

/**
 * Opens the GGUF file at `path` and checks its header. Reads no weights. The caller closes it.
 *
 * @throws CheckpointError if the file is damaged, or not a GPT-2 in F32, F16, BF16 or Q8_0.
 */
export function openGguf(path: string): Promise<CheckpointSource> {
  return BinaryFile.open(path, async (file) => {
    const header = await readHeader(file);
    const metadata = metadataOf(path, header);
    checkTypes(file.name, header.tensors);
    return {
      metadata,
      async openWeights() {
        const weights = weightFile(file, header.tensors);
        return { label: file.name, files: [weights], paths: [path], tensors: weights.tensors };
      },
      close: () => file.close(),
    };
  });
}

async function readHeader(file: BinaryFile): Promise<GgufHeader> {
  file.rejectPointer(await file.read(0, Math.min(8, file.bytes)));
  try {
    return await readGgufHeader(file, (key) => TOKENIZER_ARRAYS.has(key));
  } catch (error) {
    throw error instanceof FormatError ? new CheckpointError(`${file.name} ${error.message}`) : error;
  }
}

function metadataOf(path: string, { metadata, tensors }: GgufHeader): Metadata {
  const name = basename(path);
  const vocabSize = tensors.find((tensor) => tensor.name === 'token_embd.weight')?.shape[0];
  const hasHead = tensors.some((tensor) => tensor.name === 'output.weight');
  const config = configOfGguf(name, metadata, { vocabSize, hasHead });
  const files: Readonly<Record<string, () => Json>> = {
    'config.json': () => config,
    // Only when they are read: a tokenizer that is not supported may be replaced by another.
    'tokenizer.json': () => tokenizerOfGguf(name, metadata).tokenizer,
    'tokenizer_config.json': () => tokenizerOfGguf(name, metadata).config,
  };
  return {
    has: (file) => Object.hasOwn(files, file),
    text: async (file) => (Object.hasOwn(files, file) ? JSON.stringify(files[file]?.()) : undefined),
    list: async () => [],
    origin: () => path,
  };
}

/** A quantized weight is not what the model learned: the original checkpoint is better in every way. */
function checkTypes(name: string, tensors: readonly GgufTensor[]): void {
  const refused = new Map<string, number>();
  for (const { type } of tensors) if (!isReadable(type)) refused.set(type, (refused.get(type) ?? 0) + 1);
  if (refused.size === 0) return;
  const found = [...refused].map(([type, count]) => `${count} as ${type}`).join(', ');
  throw new CheckpointError(
    `${name} stores tensors in types that are not supported: ${found}. ` +
      `Supported are ${Object.keys(READABLE_TYPES).join(', ')}: use the checkpoint it was made from`,
  );
}

/** Parts of the names, in the order of replacement. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^blk\.(\d+)\./, 'h.$1.'],
  [/^token_embd\./, 'wte.'],
  [/^position_embd\./, 'wpe.'],
  [/^output_norm\./, 'ln_f.'],
  [/^output\./, 'lm_head.'],
  [/\.attn_norm\./, '.ln_1.'],
  [/\.attn_qkv\./, '.attn.c_attn.'],
  [/\.attn_output\./, '.attn.c_proj.'],
  [/\.ffn_norm\./, '.ln_2.'],
  [/\.ffn_up\./, '.mlp.c_fc.'],
  [/\.ffn_down\./, '.mlp.c_proj.'],
];

/** `blk.0.attn_qkv.weight` → `h.0.attn.c_attn.weight` */
const nameOf = (name: string) => NAMES.reduce((text, [from, to]) => text.replace(from, to), name);

/** Matrices of a `Conv1D`, `[in, out]`, which GGUF stores as `[out, in]`. */
const LINEAR = /\.(?:attn\.c_attn|attn\.c_proj|mlp\.c_fc|mlp\.c_proj)\.weight$/;

function weightFile(file: BinaryFile, tensors: readonly GgufTensor[]): WeightFile {
  const weights: WeightFile & { tensors: StoredTensor[] } = {
    name: file.name,
    bytes: file.bytes,
    tensors: [],
    saturated: new Set<string>(),
    close: () => file.close(),
  };
  for (const tensor of tensors) weights.tensors.push(storedTensor(file, weights, tensor));
  return weights;
}

function storedTensor(file: BinaryFile, weights: WeightFile, stored: GgufTensor): StoredTensor {
  const { type, bytes } = stored;
  const name = nameOf(stored.name);
  const isTransposed = LINEAR.test(name) && stored.shape.length === 2;
  const shape = isTransposed ? stored.shape.toReversed() : stored.shape;
  const tensor = { file: weights, name, dtype: type, shape, bytes, isFloat: true };
  // checkTypes has refused the others.
  const readStored = (first: number, count: number) =>
    readElements(file, stored, type as ReadableType, first, count);
  const read = async (first: number, count: number) => {
    if (!isTransposed) return checkValues(tensor, first, await readStored(first, count));
    const whole = transpose(await readStored(0, elementsOf(shape)), shape[0] ?? 1);
    return checkValues(tensor, first, whole.subarray(first, first + count));
  };
  return { ...tensor, read };
}

/** Reads elements in the order of the file. */
async function readElements(
  file: BinaryFile,
  { position }: GgufTensor,
  type: ReadableType,
  first: number,
  count: number,
): Promise<Float32Array> {
  const block = READABLE_TYPES[type];
  const firstBlock = Math.floor(first / block.elements);
  const blocks = Math.ceil((first + count) / block.elements) - firstBlock;
  const bytes = await file.read(position + firstBlock * block.bytes, blocks * block.bytes);
  if (type !== 'Q8_0') return decodeFloats(bytes, type);
  const start = first - firstBlock * block.elements;
  return decodeQ8(bytes, blocks).subarray(start, start + count);
}

/** Q8_0: for each 32 numbers the scale in F16, then 32 codes in int8. Their products are exact in float32. */
function decodeQ8(bytes: Uint8Array<ArrayBuffer>, blocks: number): Float32Array {
  const { elements, bytes: blockBytes } = READABLE_TYPES.Q8_0;
  const scales = new Uint8Array(2 * blocks);
  for (let block = 0; block < blocks; block++) {
    scales.set(bytes.subarray(block * blockBytes, block * blockBytes + 2), 2 * block);
  }
  const scale = decodeFloats(scales, 'F16');
  const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float32Array(blocks * elements);
  for (let i = 0; i < values.length; i++) {
    const block = Math.floor(i / elements);
    values[i] = (scale[block] as number) * (codes[block * blockBytes + 2 + (i % elements)] as number);
  }
  return values;
}
