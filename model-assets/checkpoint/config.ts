/**
 * @module Converts `config.json` and `generation_config.json` of a Hugging Face checkpoint into the
 * manifest's config.
 *
 * Defaults are those of transformers' `GPT2Config`. A field is an error if it requests a computation that the
 * graphs do not support. Fields that only affect training are ignored.
 */
import * as z from 'zod';
import { ACTIVATION_FUNCTIONS } from '../format/activations.ts';
import { MAX_LAYERS } from '../format/check-manifest.ts';
import { configSchema, type ModelConfig } from '../format/manifest.ts';
import { CheckpointError } from './interface/errors.ts';
import { type Json, type Metadata, readJson } from './interface/metadata.ts';
import type { OnWarning } from './interface/progress.ts';

const count = z.int().positive();
const tokenIds = z.union([z.int().nonnegative(), z.array(z.int().nonnegative())]).nullable();

const gpt2Config = z.object({
  vocab_size: count.default(50257),
  n_positions: count.default(1024),
  n_embd: count.default(768),
  n_layer: count.default(12),
  n_head: count.default(12),
  n_inner: count.nullable().default(null),
  activation_function: z.string().max(100).default('gelu_new'),
  layer_norm_epsilon: z.number().nonnegative().default(1e-5),
  scale_attn_weights: z.boolean().default(true),
  scale_attn_by_inverse_layer_idx: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(true),
  bos_token_id: z.int().nonnegative().nullable().default(50256),
  eos_token_id: tokenIds.default(50256),
});
type GPT2Config = z.infer<typeof gpt2Config>;

/** The generic names of GPT-2's fields (`GPT2Config.attribute_map`). */
const ALIASES = {
  hidden_size: 'n_embd',
  max_position_embeddings: 'n_positions',
  num_attention_heads: 'n_head',
  num_hidden_layers: 'n_layer',
} as const;

/** Synonyms in transformers. */
const ACTIVATION_ALIASES: Readonly<Record<string, string>> = { swish: 'silu' };
const ACTIVATIONS: readonly string[] = ACTIVATION_FUNCTIONS;
/** Activations of transformers whose weights are not GPT-2's parameters. */
const TRAINED_ACTIVATIONS: readonly string[] = ['prelu', 'xielu'];

/**
 * Reads the config of a checkpoint.
 *
 * Token ids outside the vocabulary are dropped: they cannot be generated, and checkpoints with a small
 * vocabulary often keep GPT-2's 50256.
 *
 * @param onWarning called with what was dropped, and with what has no effect.
 * @throws CheckpointError that lists every fault of the config.
 */
export async function readConfig(metadata: Metadata, onWarning: OnWarning = () => {}): Promise<ModelConfig> {
  const json = await readJson(metadata, 'config.json');
  if (!json)
    throw new CheckpointError('config.json not found: SOURCE must be a folder in Hugging Face format');
  rejectUnsupported(json, onWarning);
  warnOfUnused(json, onWarning);
  const config = parse('config.json', gpt2Config, resolveAliases(json, onWarning));
  const generation = await readJson(metadata, 'generation_config.json');
  const eos = generation
    ? parse('generation_config.json', z.object({ eos_token_id: tokenIds.optional() }), generation)
        .eos_token_id
    : null;
  const eosTokenIds = [eos ?? config.eos_token_id ?? []].flat();
  const dropped = eosTokenIds.filter((id) => id >= config.vocab_size);
  if (dropped.length > 0) {
    onWarning(
      `eos_token_id ${dropped.join(', ')} is not below vocab_size, ${config.vocab_size}, and is dropped: ` +
        'no token of that id ends a text',
    );
  }
  return toModelConfig(config, eosTokenIds);
}

function toModelConfig(config: GPT2Config, eosTokenIds: readonly number[]): ModelConfig {
  const { n_embd, n_head, n_inner, vocab_size, bos_token_id } = config;
  const activation = ACTIVATION_ALIASES[config.activation_function] ?? config.activation_function;
  const faults: string[] = [];
  if (config.n_layer > MAX_LAYERS)
    faults.push(`n_layer must be at most ${MAX_LAYERS}, found ${config.n_layer}`);
  if (n_embd % n_head !== 0) faults.push(`n_embd (${n_embd}) is not a multiple of n_head (${n_head})`);
  if (TRAINED_ACTIVATIONS.includes(activation)) {
    faults.push(
      `activation_function "${activation}" has trained parameters of its own, and is not supported`,
    );
  } else if (!ACTIVATIONS.includes(activation)) {
    faults.push(
      `activation_function "${activation}" is not supported, expected one of ${ACTIVATIONS.join(', ')}`,
    );
  }
  throwFaults(faults);
  return configSchema.parse({
    n_layer: config.n_layer,
    n_head,
    n_embd,
    n_inner: n_inner ?? 4 * n_embd,
    n_positions: config.n_positions,
    vocab_size,
    layer_norm_epsilon: config.layer_norm_epsilon,
    activation_function: activation,
    scale_attn_weights: config.scale_attn_weights,
    scale_attn_by_inverse_layer_idx: config.scale_attn_by_inverse_layer_idx,
    tie_word_embeddings: config.tie_word_embeddings,
    bos_token_id: bos_token_id !== null && bos_token_id < vocab_size ? bos_token_id : null,
    eos_token_ids: [...new Set(eosTokenIds)].filter((id) => id < vocab_size),
  });
}

/** @throws CheckpointError for options that would silently give wrong results. */
function rejectUnsupported(json: Json, onWarning: OnWarning): void {
  const { model_type = 'gpt2', architectures } = json;
  if (model_type !== 'gpt2') throwFaults([`model_type "${model_type}" is not supported, expected "gpt2"`]);
  const faults: string[] = [];
  const other = Array.isArray(architectures) ? architectures.find((name) => !/^GPT2/.test(name)) : undefined;
  if (other && json.model_type === undefined)
    faults.push(`architecture "${other}" is not supported, expected "GPT2LMHeadModel"`);
  else if (other) {
    onWarning(
      `config.json: architecture "${other}" has no effect: model_type "gpt2" decides, as in AutoModelForCausalLM`,
    );
  }
  if (json.quantization_config) {
    faults.push(
      'quantization_config is not supported: use the checkpoint from before it was quantized, or save the model ' +
        'after model.dequantize()',
    );
  }
  if (json.auto_map) faults.push('auto_map is not supported: the model has custom code');
  throwFaults(faults);
}

/** Of options that change nothing in transformers 5 where a causal language model gets a text alone. */
function warnOfUnused({ add_cross_attention, pruned_heads }: Json, onWarning: OnWarning): void {
  if (add_cross_attention) {
    onWarning(
      'config.json: add_cross_attention: true has no effect: the model generates without an encoder, as in ' +
        'AutoModelForCausalLM',
    );
  }
  if (pruned_heads && Object.keys(pruned_heads).length > 0)
    onWarning('config.json: pruned_heads has no effect, as in transformers 5: all heads are converted');
}

/** As in transformers, an alias wins over the name beside it. */
function resolveAliases(json: Json, onWarning: OnWarning): Json {
  const resolved: Record<string, unknown> = { ...json };
  for (const [alias, name] of Object.entries(ALIASES)) {
    if (json[alias] === undefined) continue;
    if (json[name] !== undefined && json[name] !== json[alias]) {
      onWarning(
        `config.json: ${alias} (${json[alias]}) contradicts ${name} (${json[name]}), and wins, as in transformers`,
      );
    }
    resolved[name] = json[alias];
  }
  return resolved;
}

function throwFaults(faults: readonly string[], fileName = 'config.json'): void {
  if (faults.length > 0) throw new CheckpointError(faults.map((fault) => `${fileName}: ${fault}`).join('\n'));
}

function parse<Schema extends z.ZodType>(fileName: string, schema: Schema, json: Json): z.infer<Schema> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new CheckpointError(faults.map((fault) => `${fileName}: ${fault}`).join('\n'));
}
