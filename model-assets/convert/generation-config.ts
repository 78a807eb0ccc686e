/**
 * @module Reads the defaults of decoding options in a checkpoint's `generation_config.json`, or else in its `config.json`,
 * where they were before that file existed.
 */
import { MODEL_DEFAULTS, readModelDefaults } from '../../decoding/options/model-defaults.ts';
import { type Json, type Metadata, readJson } from '../checkpoint/interface/metadata.ts';
import type { OnWarning } from '../checkpoint/interface/progress.ts';
import type { Manifest, ModelConfig } from '../format/manifest.ts';

const FILE = 'generation_config.json';
const OLD_FILE = 'config.json';

/** Fields about the file, about special tokens, which `readConfig` reads, and about how transformers computes. */
const OTHER_FIELDS: ReadonlySet<string> = new Set([
  '_from_model_config',
  'transformers_version',
  'bos_token_id',
  'eos_token_id',
  'pad_token_id',
  'decoder_start_token_id',
  'use_cache',
  'cache_implementation',
  'cache_config',
  'return_dict_in_generate',
  'output_attentions',
  'output_hidden_states',
  'output_scores',
  'output_logits',
  'compile_config',
  'disable_compile',
  'low_memory',
  'trust_remote_code',
]);

/** Values of fields that are not options here with which transformers does nothing. */
const NEUTRAL: Readonly<Record<string, unknown>> = {
  num_return_sequences: 1,
  num_beam_groups: 1,
  diversity_penalty: 0,
  encoder_repetition_penalty: 1,
  encoder_no_repeat_ngram_size: 0,
  guidance_scale: 1,
  is_assistant: false,
  token_healing: false,
};

/** What transformers 2 and 3 wrote into every `config.json`, asked or not. */
const OLD_DEFAULTS: Readonly<Record<string, unknown>> = {
  do_sample: false,
  early_stopping: false,
  num_beams: 1,
  length_penalty: 1,
  temperature: 1,
  top_k: 50,
  top_p: 1,
  repetition_penalty: 1,
  no_repeat_ngram_size: 0,
  min_length: 0,
};

/**
 * @param onWarning called for each field that is dropped: its value is out of range, or it is no default here.
 * @returns the valid fields as they are in their file; undefined if there are none.
 * @throws CheckpointError if a file is not a JSON object.
 */
export async function readGenerationConfig(
  metadata: Metadata,
  { vocab_size }: ModelConfig,
  onWarning: OnWarning = () => {},
): Promise<Manifest['generation_config']> {
  const json = await readJson(metadata, FILE);
  const given = json ? fieldsOf(json) : oldFieldsOf((await readJson(metadata, OLD_FILE)) ?? {});
  const { defaults, faults } = readModelDefaults(Object.fromEntries(given), vocab_size);
  for (const { message } of faults) onWarning(`${json ? FILE : OLD_FILE}: ${message}: it is dropped`);
  const kept = given.filter(([name]) => Object.hasOwn(defaults, name));
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

type Fields = readonly (readonly [name: string, value: unknown])[];

const fieldsOf = (json: Json): Fields =>
  Object.entries(json).filter(
    ([name, value]) => value !== null && !OTHER_FIELDS.has(name) && !has(NEUTRAL, name, value),
  );

const oldFieldsOf = (json: Json): Fields =>
  Object.entries(json).filter(
    ([name, value]) =>
      MODEL_DEFAULTS.some((known) => known === name) && value !== null && !has(OLD_DEFAULTS, name, value),
  );

const has = (values: Json, name: string, value: unknown): boolean =>
  Object.hasOwn(values, name) && values[name] === value;
