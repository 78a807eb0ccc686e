/**
 * @module What the tensors of an adapter change, by their names in `adapter_model.safetensors`.
 *
 * peft writes the name of the module in the base, below `base_model.model.`, and for each module
 * `lora_A.weight` and `lora_B.weight`, for an embedding `lora_embedding_A` and `lora_embedding_B`, and what else
 * was trained in full under the name that it has in the base.
 */
import { CheckpointError } from '../interface/errors.ts';
import type { StoredTensor } from '../interface/stored-tensor.ts';
import { type AdapterConfig, rankOf, scalingOf } from './config.ts';
import type { LowRank } from './low-rank.ts';

/** Changes by the names of the base's parameters, without `transformer.`. */
export interface AdapterTensors {
  readonly lowRank: ReadonlyMap<string, LowRank>;
  /** Tensors in place of those of the base. */
  readonly saved: ReadonlyMap<string, StoredTensor>;
  /** Rows in place of those of an embedding. */
  readonly rows: ReadonlyMap<string, { readonly ids: readonly number[]; readonly values: StoredTensor }>;
}

const PREFIX = 'base_model.model.';

/** The parts of a module's change, by the ends of their names. */
const PARTS = {
  'lora_A.weight': 'a',
  'lora_B.weight': 'b',
  'lora_B.bias': 'bias',
  lora_embedding_A: 'a',
  lora_embedding_B: 'b',
  lora_magnitude_vector: 'magnitude',
  'lora_magnitude_vector.weight': 'magnitude',
} as const;

const ROWS = 'token_adapter.trainable_tokens_delta';
const PART = new RegExp(
  `^(.+)\\.(${[...Object.keys(PARTS), ROWS].map((end) => end.replace('.', '\\.')).join('|')})$`,
);

type Parts = Partial<Record<(typeof PARTS)[keyof typeof PARTS], StoredTensor>>;

/**
 * @param label of the adapter's file, for errors.
 * @throws CheckpointError that lists all tensors that are unknown, missing or of the wrong shape.
 */
export function nameAdapterTensors(
  label: string,
  tensors: readonly StoredTensor[],
  config: AdapterConfig,
): AdapterTensors {
  const parts = new Map<string, Parts>();
  const saved = new Map<string, StoredTensor>();
  const rows = new Map<string, { ids: readonly number[]; values: StoredTensor }>();
  const faults: string[] = [];
  for (const tensor of tensors) {
    const { name, dtype } = tensor;
    const path = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined;
    const [, module, end] = PART.exec(path ?? '') ?? [];
    if (path === undefined) faults.push(`${name} is unknown: the names of an adapter begin with ${PREFIX}`);
    else if (!tensor.isFloat) {
      if (!isBuffer(path)) faults.push(`${name} is stored as ${dtype}, expected a type of weights`);
    } else if (module === undefined) {
      const replaced = savedName(path, name, saved);
      if (replaced !== undefined) saved.set(replaced, tensor);
    } else if (end === ROWS) {
      const ids = idsOf(config, module);
      if (ids.length !== tensor.shape[0])
        faults.push(
          `${name} has ${tensor.shape[0]} rows, expected the ${ids.length} of trainable_token_indices`,
        );
      rows.set(`${parameterOf(module)}.weight`, { ids, values: tensor });
    } else {
      const others = parts.get(module) ?? {};
      parts.set(module, others);
      others[PARTS[end as keyof typeof PARTS]] = tensor;
    }
  }
  const lowRank = new Map<string, LowRank>();
  for (const [module, found] of parts) {
    const change = lowRankOf(module, found, config, faults);
    if (change) lowRank.set(`${parameterOf(module)}.weight`, change);
  }
  if (faults.length === 0 && tensors.length === 0) faults.push('it has no tensors');
  if (faults.length > 0)
    throw new CheckpointError(
      `${label} is not supported:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
  return { lowRank, saved, rows };
}

/** `transformer.h.0.attn.c_attn` → `h.0.attn.c_attn` */
const parameterOf = (path: string) => path.replace(/^transformer\./, '');

/** The causal masks of old releases, which `bias: "all"` saved too. */
const isBuffer = (path: string) => /\.attn\.(?:bias|masked_bias)$/.test(path);

/**
 * The name in the base of a tensor that was trained in full. A module that was trained can be there more than once: as
 * it was, and as it is.
 *
 * @returns undefined for a tensor that changes nothing.
 */
function savedName(path: string, name: string, saved: ReadonlyMap<string, StoredTensor>): string | undefined {
  if (isBuffer(path) || path.includes('.original_module.')) return undefined;
  const plain = parameterOf(path.replace('.base_layer.', '.').replace('.modules_to_save.', '.'));
  const isCopy = name.includes('.modules_to_save.');
  return isCopy && saved.has(plain) ? undefined : plain;
}

function idsOf({ trainable_token_indices: ids }: AdapterConfig, module: string): readonly number[] {
  if (!ids || Array.isArray(ids)) return ids ?? [];
  const entry = Object.entries(ids).find(([name]) => module === name || module.endsWith(`.${name}`));
  return entry?.[1] ?? [];
}

function layerOf(module: string): LowRank['layer'] | undefined {
  const name = parameterOf(module);
  if (name === 'lm_head') return 'linear';
  if (name === 'wte' || name === 'wpe') return 'embedding';
  return /^h\.\d+\.(?:attn\.c_attn|attn\.c_proj|mlp\.c_fc|mlp\.c_proj)$/.test(name) ? 'conv1d' : undefined;
}

/** @param faults to which those of this module are added. */
function lowRankOf(
  module: string,
  { a, b, magnitude, bias }: Parts,
  config: AdapterConfig,
  faults: string[],
): LowRank | undefined {
  const before = faults.length;
  const layer = layerOf(module);
  if (!layer) faults.push(`${module} has an adapter, which only linear layers and embeddings of GPT-2 have`);
  if (!a || !b) {
    faults.push(`${module} has only one matrix of its adapter`);
    return undefined;
  }
  const rank = rankOf(config, module);
  const isFit = a.shape.length === 2 && b.shape.length === 2 && a.shape[0] === rank && b.shape[1] === rank;
  if (!isFit) {
    faults.push(
      `${module} has matrices [${a.shape}] and [${b.shape}], expected [${rank}, in] and [out, ${rank}] of rank ${rank}`,
    );
  }
  if (magnitude === undefined && config.use_dora)
    faults.push(`${module} has no magnitudes, but use_dora is true`);
  if (magnitude !== undefined && !config.use_dora)
    faults.push(`${module} has magnitudes, but use_dora is false`);
  for (const [what, vector] of Object.entries({ magnitudes: magnitude, biases: bias })) {
    if (vector && vector.shape.reduce((product, size) => product * size, 1) !== b.shape[0])
      faults.push(`${module} has ${what} [${vector.shape}], expected [${b.shape[0]}]`);
  }
  if (faults.length > before || !layer) return undefined;
  return { layer, a, b, magnitude, bias, scaling: scalingOf(config, module) };
}
