/** @module Whether a manifest agrees with itself: its config, its graphs, its tensors and the sizes of its files. */

import { isTanhGelu } from './activations.ts';
import { type Manifest, type ModelConfig, TENSOR_ALIGNMENT, tensorBytes } from './manifest.ts';
import { MAX_INPUTS } from './packed.ts';
import { type StoredTensorEntry, storedTensors } from './parameters.ts';

/** Files that are read whole, graphs and the tokenizer, are much smaller in every GPT-2. */
const MAX_WHOLE_FILE_BYTES = 64 * 2 ** 20;
/** A bound for the list of tensors; GPT-2 XL has 48 layers. */
export const MAX_LAYERS = 1024;
/** The limit of the attention kernel over 8-bit keys and values. */
const MAX_POSITIONS = 59_999;

/** @returns the first fault, with the field it is in; undefined if there is none */
export function findManifestFault(manifest: Manifest): string | undefined {
  return (
    findConfigFault(manifest) ??
    findFileFault(manifest) ??
    findTensorFault(manifest) ??
    findAdapterFault(manifest)
  );
}

function findConfigFault({ config, precision }: Manifest): string | undefined {
  const { n_layer, n_head, n_embd, n_inner, n_positions, vocab_size, bos_token_id, eos_token_ids } = config;
  if (n_embd % n_head !== 0) return `config.n_embd, ${n_embd}, is not a multiple of n_head, ${n_head}`;
  if (n_layer > MAX_LAYERS) return `config.n_layer must be at most ${MAX_LAYERS}, not ${n_layer}`;
  if (n_positions > MAX_POSITIONS) {
    return `config.n_positions must be at most ${MAX_POSITIONS}, not ${n_positions}`;
  }
  const inputs = Math.max(n_embd, n_inner);
  if (precision === 'int4' && inputs > MAX_INPUTS) {
    return `config.n_embd and n_inner must be at most ${MAX_INPUTS} at int4, not ${inputs}`;
  }
  const unknown = [...eos_token_ids, bos_token_id ?? 0].find((id) => id >= vocab_size);
  if (unknown !== undefined) return `token id ${unknown} is not below config.vocab_size, ${vocab_size}`;
  return undefined;
}

function findFileFault({ precision, config, graphs, tokenizer }: Manifest): string | undefined {
  const isQuantized = !('embed' in graphs);
  if (isQuantized !== (precision !== 'f32'))
    return `graphs ${Object.keys(graphs)} are not those of ${precision}`;
  if (isQuantized && 'activation' in graphs === isTanhGelu(config)) {
    return `graphs ${Object.keys(graphs)} are not those of ${config.activation_function}`;
  }
  const large = [...Object.values(graphs), tokenizer].find(({ bytes }) => bytes > MAX_WHOLE_FILE_BYTES);
  return large && `${large.path} must have at most ${MAX_WHOLE_FILE_BYTES} bytes, not ${large.bytes}`;
}

function findTensorFault({ config, precision, shards, tensors }: Manifest): string | undefined {
  const expected = new Map(storedTensors(config, precision).map((tensor) => [tensor.name, tensor]));
  if (tensors.length !== expected.size) {
    return `${describe(config)} has ${expected.size} tensors at ${precision}, but ${tensors.length} are listed`;
  }
  const total = shards.reduce((sum, { bytes }) => sum + bytes, 0);
  let end = 0;
  for (const tensor of tensors.toSorted((a, b) => a.offset - b.offset)) {
    const { name, dtype, shape, offset } = tensor;
    const known = expected.get(name);
    // A name that occurs twice is unknown the second time.
    if (!known) return `tensor ${name} is unknown or listed twice`;
    expected.delete(name);
    if (!isSame(tensor, known)) {
      return `tensor ${name} is ${dtype} [${shape}], expected ${known.dtype} [${known.shape}]`;
    }
    const tensorEnd = offset + tensorBytes(dtype, shape);
    if (tensorEnd > total) return `tensor ${name} ends at byte ${tensorEnd} of ${total}`;
    if (offset % TENSOR_ALIGNMENT !== 0) {
      return `tensor ${name} starts at byte ${offset}, which is not a multiple of ${TENSOR_ALIGNMENT}`;
    }
    if (offset < end) return `tensor ${name} starts at byte ${offset}, inside of the tensor before it`;
    end = tensorEnd;
  }
  return undefined;
}

function findAdapterFault({ name, adapters = [] }: Manifest): string | undefined {
  const names = new Set([name]);
  for (const adapter of adapters) {
    if (names.has(adapter.name)) return `the name of adapter ${adapter.name} is taken`;
    names.add(adapter.name);
  }
  return undefined;
}

const describe = ({ n_layer, n_embd }: ModelConfig) => `a model of ${n_layer} layers of ${n_embd}`;

function isSame(a: StoredTensorEntry, b: StoredTensorEntry): boolean {
  return (
    a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((n, i) => n === b.shape[i])
  );
}
