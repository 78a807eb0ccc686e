/**
 * @module Reads `adapter_config.json`, the configuration of a LoRA adapter of peft.
 *
 * A field that changes what the adapter computes is read or refused. Fields that only affect training, and those
 * that say which modules have an adapter, are not needed: the tensors show it.
 */
import * as z from 'zod';
import { CheckpointError } from '../interface/errors.ts';
import { type Json, type Metadata, readJson } from '../interface/metadata.ts';
import { findPattern } from './patterns.ts';

export const ADAPTER_CONFIG = 'adapter_config.json';

const positive = z.number().positive();
/** More than one for each module of GPT-2 XL. Each is tried on each module. */
const MAX_PATTERNS = 500;
const patterns = z
  .record(z.string(), positive)
  .refine((value) => Object.keys(value).length <= MAX_PATTERNS, `more than ${MAX_PATTERNS} patterns`)
  .nullish()
  .transform((value) => value ?? {});
const names = z.array(z.string());
const ids = z.array(z.int().nonnegative());

const schema = z.object({
  base_model_name_or_path: z.string().nullish(),
  revision: z.string().nullish(),
  r: z.int().positive().default(8),
  lora_alpha: positive.default(8),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  rank_pattern: patterns,
  alpha_pattern: patterns,
  modules_to_save: names.nullish(),
  trainable_token_indices: z.union([ids, z.record(z.string(), ids)]).nullish(),
});

export interface AdapterConfig extends z.infer<typeof schema> {}

/** Fields that are read, or do not change what a trained adapter computes. */
const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(schema.shape),
  'peft_type',
  'task_type',
  'init_lora_weights',
  // For a Conv1D it is true and for a Linear false, whatever the file says: peft corrects it.
  'fan_in_fan_out',
  // Which biases were trained: those that are stored.
  'bias',
  'lora_bias',
  // Which modules have an adapter: those that are stored.
  'target_modules',
  'exclude_modules',
  'layers_to_transform',
  'layers_pattern',
  'ensure_weight_tying',
  // Training and bookkeeping.
  'lora_dropout',
  'inference_mode',
  'auto_mapping',
  'peft_version',
  'megatron_config',
  'megatron_core',
  'loftq_config',
  'eva_config',
  'corda_config',
  'lora_ga_config',
  'runtime_config',
  'qalora_group_size',
  'merge_weights',
]);

/** Initial values that leave the weights of the base as they are. Others are meant for a changed base. */
const INITIAL_VALUES: ReadonlySet<unknown> = new Set([
  undefined,
  null,
  true,
  false,
  'gaussian',
  'eva',
  'orthogonal',
  'mica',
]);

/** Tasks whose model has GPT-2's own head, or none. */
const TASKS: ReadonlySet<unknown> = new Set([undefined, null, 'CAUSAL_LM', 'FEATURE_EXTRACTION']);

/**
 * @returns undefined if there is no `adapter_config.json`.
 * @throws CheckpointError for another kind of adapter than LoRA, and for what LoRA's variants need beyond a product of
 *   two matrices and DoRA's magnitudes.
 */
export async function readAdapterConfig(metadata: Metadata): Promise<AdapterConfig | undefined> {
  const json = await readJson(metadata, ADAPTER_CONFIG);
  if (!json) return undefined;
  const faults = unsupported(json);
  if (faults.length > 0) throw faultsError(faults);
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw faultsError(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`));
}

const faultsError = (faults: readonly string[]) =>
  new CheckpointError(faults.map((fault) => `${ADAPTER_CONFIG}: ${fault}`).join('\n'));

function unsupported(json: Json): string[] {
  const { peft_type, task_type, init_lora_weights } = json;
  if (peft_type !== 'LORA')
    return [`peft_type ${JSON.stringify(peft_type)} is not supported, expected "LORA"`];
  const faults: string[] = [];
  if (!TASKS.has(task_type))
    faults.push(`task_type ${JSON.stringify(task_type)} is not supported, expected "CAUSAL_LM"`);
  if (!INITIAL_VALUES.has(init_lora_weights)) {
    faults.push(
      `init_lora_weights ${JSON.stringify(init_lora_weights)} is not supported: it changes the base. ` +
        'peft saves an adapter for the unchanged base with path_initial_model_for_weight_conversion',
    );
  }
  for (const [name, value] of Object.entries(json)) {
    if (!KNOWN.has(name) && isSet(value))
      faults.push(`${name}: ${JSON.stringify(value).slice(0, 100)} is not supported`);
  }
  return faults;
}

function isSet(value: unknown): boolean {
  if (value === null || value === false || value === undefined) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

/** @param module its full name in the model, e.g. `transformer.h.0.attn.c_attn`. */
export function rankOf({ r, rank_pattern }: AdapterConfig, module: string): number {
  return findPattern(rank_pattern, module, `${ADAPTER_CONFIG}: rank_pattern`) ?? r;
}

/** @returns the factor of the product of both matrices. */
export function scalingOf(config: AdapterConfig, module: string): number {
  const rank = rankOf(config, module);
  const alpha =
    findPattern(config.alpha_pattern, module, `${ADAPTER_CONFIG}: alpha_pattern`) ?? config.lora_alpha;
  return alpha / (config.use_rslora ? Math.sqrt(rank) : rank);
}
