import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from '../../../../model-assets/checkpoint/config.ts';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import { folderMetadata } from '../../../../model-assets/checkpoint/interface/metadata.ts';
import type { ModelConfig } from '../../../../model-assets/format/manifest.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';

async function read(
  config: unknown,
  generationConfig?: unknown,
  onWarning?: (line: string) => void,
): Promise<ModelConfig> {
  await using dir = await temporaryFolder();
  const text = (json: unknown) => (typeof json === 'string' ? json : JSON.stringify(json));
  if (config !== undefined) await writeFile(join(dir.path, 'config.json'), text(config));
  if (generationConfig !== undefined) {
    await writeFile(join(dir.path, 'generation_config.json'), text(generationConfig));
  }
  return await readConfig(folderMetadata(dir.path), onWarning);
}

test('missing fields have the defaults of GPT2Config', async () => {
  expect(await read({})).toEqual({
    n_layer: 12,
    n_head: 12,
    n_embd: 768,
    n_inner: 3072,
    n_positions: 1024,
    vocab_size: 50257,
    layer_norm_epsilon: 1e-5,
    activation_function: 'gelu_new',
    scale_attn_weights: true,
    scale_attn_by_inverse_layer_idx: false,
    tie_word_embeddings: true,
    bos_token_id: 50256,
    eos_token_ids: [50256],
  });
});

test('reads the fields that affect inference and ignores those of training and other heads', async () => {
  const config = {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    n_layer: 3,
    n_head: 2,
    n_embd: 64,
    n_inner: 100,
    n_positions: 32,
    n_ctx: 16,
    vocab_size: 500,
    layer_norm_epsilon: 1e-6,
    activation_function: 'relu',
    scale_attn_weights: false,
    bos_token_id: null,
    eos_token_id: 7,
    reorder_and_upcast_attn: true,
    scale_attn_by_inverse_layer_idx: true,
    add_cross_attention: false,
    tie_word_embeddings: false,
    attn_pdrop: 0.1,
    summary_type: 'cls_index',
    task_specific_params: { 'text-generation': { do_sample: true } },
    torch_dtype: 'float16',
    transformers_version: '4.0.0',
    quantization_config: null,
    pruned_heads: {},
    use_cache: true,
  };
  expect(await read(config)).toEqual({
    n_layer: 3,
    n_head: 2,
    n_embd: 64,
    n_inner: 100,
    n_positions: 32,
    vocab_size: 500,
    layer_norm_epsilon: 1e-6,
    activation_function: 'relu',
    scale_attn_weights: false,
    scale_attn_by_inverse_layer_idx: true,
    tie_word_embeddings: false,
    bos_token_id: null,
    eos_token_ids: [7],
  });
});

test.for<[string, unknown, unknown, number[]]>([
  ['a number', { eos_token_id: 1 }, undefined, [1]],
  ['a list', { eos_token_id: [1, 2, 1] }, undefined, [1, 2]],
  ['null', { eos_token_id: null }, undefined, []],
  ['a number in generation_config.json', { eos_token_id: 1 }, { eos_token_id: 3 }, [3]],
  ['a list in generation_config.json', { eos_token_id: 1 }, { eos_token_id: [3, 4] }, [3, 4]],
  ['only in config.json', { eos_token_id: 1 }, { temperature: 0.8 }, [1]],
  ['outside the vocabulary', { vocab_size: 100, eos_token_id: [5, 100] }, undefined, [5]],
])('end-of-text tokens: %s', async ([, config, generation, expected]) => {
  expect((await read(config, generation)).eos_token_ids).toEqual(expected);
});

test('a beginning-of-text token outside the vocabulary is dropped', async () => {
  expect((await read({ vocab_size: 100 })).bos_token_id).toBeNull();
});

test("accepts transformers' generic names of the dimensions", async () => {
  const config = await read({
    hidden_size: 64,
    max_position_embeddings: 32,
    num_attention_heads: 2,
    num_hidden_layers: 1,
  });
  expect(config).toMatchObject({ n_embd: 64, n_positions: 32, n_head: 2, n_layer: 1, n_inner: 256 });
});

test.for<[string, Record<string, unknown>, Partial<ModelConfig>, string[]]>([
  [
    'an alias wins over a name that it contradicts',
    { n_layer: 7, num_hidden_layers: 2, num_attention_heads: 16, n_head: 12 },
    { n_layer: 2, n_head: 16 },
    [
      'config.json: num_attention_heads (16) contradicts n_head (12), and wins, as in transformers',
      'config.json: num_hidden_layers (2) contradicts n_layer (7), and wins, as in transformers',
    ],
  ],
  ['an alias may repeat the name', { n_layer: 2, num_hidden_layers: 2 }, { n_layer: 2 }, []],
  [
    'cross attention is passed over',
    { add_cross_attention: true },
    { n_layer: 12 },
    [
      'config.json: add_cross_attention: true has no effect: the model generates without an encoder, as in ' +
        'AutoModelForCausalLM',
    ],
  ],
  [
    'a list of pruned heads has no effect',
    { pruned_heads: { 0: [1] } },
    { n_head: 12 },
    ['config.json: pruned_heads has no effect, as in transformers 5: all heads are converted'],
  ],
  [
    'an architecture of another name has no effect beside model_type',
    { model_type: 'gpt2', architectures: ['StoryLMHeadModel'] },
    { n_head: 12 },
    [
      'config.json: architecture "StoryLMHeadModel" has no effect: model_type "gpt2" decides, as in ' +
        'AutoModelForCausalLM',
    ],
  ],
  ['an empty list of pruned heads is usual', { pruned_heads: {} }, { n_head: 12 }, []],
])('%s', async ([, config, expected, lines]) => {
  const warnings: string[] = [];
  expect(await read(config, undefined, (line) => warnings.push(line))).toMatchObject(expected);
  expect(warnings).toEqual(lines);
});

test('swish is silu', async () => {
  expect((await read({ activation_function: 'swish' })).activation_function).toBe('silu');
});

test.for<[unknown, string]>([
  [undefined, 'config.json not found: SOURCE must be a folder in Hugging Face format'],
  ['{', 'config.json is not a JSON object'],
  ['[]', 'config.json is not a JSON object'],
  [
    { model_type: 'gpt_neo', n_layer: 'x' },
    'config.json: model_type "gpt_neo" is not supported, expected "gpt2"',
  ],
  [
    { architectures: ['CustomForCausalLM'] },
    'config.json: architecture "CustomForCausalLM" is not supported, expected "GPT2LMHeadModel"',
  ],
  [
    { quantization_config: { quant_method: 'gptq' } },
    'config.json: quantization_config is not supported: use the checkpoint from before it was quantized, or save ' +
      'the model after model.dequantize()',
  ],
  [{ auto_map: { AutoModel: 'x.y' } }, 'config.json: auto_map is not supported: the model has custom code'],
  [{ n_embd: 100 }, 'config.json: n_embd (100) is not a multiple of n_head (12)'],
  [
    { activation_function: 'prelu' },
    'config.json: activation_function "prelu" has trained parameters of its own, and is not supported',
  ],
  [
    { activation_function: 'geglu' },
    'config.json: activation_function "geglu" is not supported, expected one of gelu_new, gelu_fast, ' +
      'gelu_pytorch_tanh, gelu_python_tanh, gelu_accurate, gelu, gelu_python, gelu_10, quick_gelu, relu, relu2, ' +
      'relu6, leaky_relu, silu, hardswish, mish, sigmoid, tanh, laplace, sqrtsoftplus, linear',
  ],
  [{ n_embd: 768, hidden_size: 100 }, 'config.json: n_embd (100) is not a multiple of n_head (12)'],
  [
    { n_layer: 0, n_inner: 1.5 },
    'config.json: n_layer: Too small: expected number to be >0\nconfig.json: n_inner: Invalid input: expected int, received number',
  ],
])('rejects %j', async ([config, message]) => {
  await expect(read(config)).rejects.toThrow(new CheckpointError(message));
});

test('rejects a generation_config.json with an invalid end-of-text token', async () => {
  await expect(read({}, { eos_token_id: 'stop' })).rejects.toThrow(
    new CheckpointError('generation_config.json: eos_token_id: Invalid input'),
  );
});
