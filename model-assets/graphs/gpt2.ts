/**
 * @module GPT-2 in f32 as small graphs without weights: `embed → (qkv → attention → block) × n_layer → head`.
 *
 * Every weight is an input, so one session serves all layers, and the loader's copy of a weight is the only
 * one. Names follow the paper (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners")
 * and transformers' `modeling_gpt2.py`.
 *
 * All graphs work on rows: a row is one token of one sequence, and its result depends on no other row.
 * Tied embedding and lm_head both use `wte`, stored `[n_embd, storedVocabSize]`. Untied, that is the layout of
 * `lm_head`, and `wte` is `[vocab_size, n_embd]`. Attention, which combines a row with the tokens of its path, is not a
 * graph but a kernel: `engine/kernels/assembly/attention.ts`.
 */
import { type ModelConfig, storedVocabSize } from '../format/manifest.ts';
import { lmHeadWeight } from '../format/parameters.ts';
import { activation } from './activations.ts';
import { Graph, type Value } from './onnx.ts';

export interface GraphFiles {
  readonly embed: Uint8Array;
  readonly qkv: Uint8Array;
  readonly block: Uint8Array;
  readonly head: Uint8Array;
}

export function buildGraphs(config: ModelConfig): GraphFiles {
  return {
    embed: embed(config).encode(),
    qkv: qkv(config).encode(),
    block: block(config).encode(),
    head: head(config).encode(),
  };
}

/** `input_ids [rows]`, `position_ids [rows]` → `hidden [rows, n_embd]` */
function embed(config: ModelConfig): Graph {
  const graph = new Graph('embed');
  const ids = graph.input('input_ids', 'int64', ['rows']);
  const positions = graph.input('position_ids', 'int64', ['rows']);
  const wpe = graph.input('wpe.weight', 'float32', [config.n_positions, config.n_embd]);
  const token = embeddingOf(graph, ids, config);
  const position = graph.node('Gather', [wpe, positions]);
  graph.output('hidden', graph.node('Add', [token, position]), 'float32', ['rows', config.n_embd]);
  return graph;
}

/** `ids [rows]` → `[rows, n_embd]` */
function embeddingOf(graph: Graph, ids: Value, config: ModelConfig): Value {
  const { n_embd, vocab_size, tie_word_embeddings } = config;
  if (!tie_word_embeddings) {
    return graph.node('Gather', [graph.input('wte.weight', 'float32', [vocab_size, n_embd]), ids]);
  }
  const wte = graph.input('wte.weight', 'float32', [n_embd, storedVocabSize(config)]);
  return graph.node('Transpose', [graph.node('Gather', [wte, ids], { axis: 1 })], { perm: [1, 0] });
}

/** `hidden [rows, n_embd]` → `qkv [rows, 3 · n_embd]`: query, key and value of each row. */
function qkv(config: ModelConfig): Graph {
  const graph = new Graph('qkv');
  const { n_embd } = config;
  const hidden = graph.input('hidden', 'float32', ['rows', n_embd]);
  const normal = layerNorm(graph, hidden, config, 'ln_1');
  const product = conv1d(graph, normal, 'attn.c_attn', n_embd, 3 * n_embd);
  graph.output('qkv', product, 'float32', ['rows', 3 * n_embd]);
  return graph;
}

/**
 * `hidden`, `context` (attention's output) `[rows, n_embd]` → `hidden_out [rows, n_embd]`: the rest of a
 * block.
 */
function block(config: ModelConfig): Graph {
  const graph = new Graph('block');
  const { n_embd } = config;
  const hidden = graph.input('hidden', 'float32', ['rows', n_embd]);
  const context = graph.input('context', 'float32', ['rows', n_embd]);
  const attended = conv1d(graph, context, 'attn.c_proj', n_embd, n_embd);
  const residual = graph.node('Add', [hidden, attended]);
  const mlpOutput = mlp(graph, layerNorm(graph, residual, config, 'ln_2'), config);
  graph.output('hidden_out', graph.node('Add', [residual, mlpOutput]), 'float32', ['rows', n_embd]);
  return graph;
}

/**
 * `hidden [rows, n_embd]`, `selected [selected]` → `logits [selected, storedVocabSize]`: ln_f and lm_head.
 */
function head(config: ModelConfig): Graph {
  const graph = new Graph('head');
  const hidden = graph.input('hidden', 'float32', ['rows', config.n_embd]);
  const selected = graph.input('selected', 'int64', ['selected']);
  const last = layerNorm(graph, graph.node('Gather', [hidden, selected]), config, 'ln_f');
  const weight = graph.input(lmHeadWeight(config), 'float32', [config.n_embd, storedVocabSize(config)]);
  const logits = graph.node('MatMul', [last, weight]);
  graph.output('logits', logits, 'float32', ['selected', storedVocabSize(config)]);
  return graph;
}

/** @param name prefix of the weights' inputs; omitted in graphs that serve several norms. */
export function layerNorm(graph: Graph, x: Value, config: ModelConfig, name?: string): Value {
  const prefix = name ? `${name}.` : '';
  const weight = graph.input(`${prefix}weight`, 'float32', [config.n_embd]);
  const bias = graph.input(`${prefix}bias`, 'float32', [config.n_embd]);
  return graph.node('LayerNormalization', [x, weight, bias], {
    axis: -1,
    epsilon: { float: config.layer_norm_epsilon },
  });
}

/** OpenAI's `Conv1D`: `x [rows, in] · weight [in, out] + bias [out]`. */
function conv1d(graph: Graph, x: Value, name: string, nIn: number, nOut: number): Value {
  const product = graph.node('MatMul', [x, graph.input(`${name}.weight`, 'float32', [nIn, nOut])]);
  return graph.node('Add', [product, graph.input(`${name}.bias`, 'float32', [nOut])]);
}

function mlp(graph: Graph, x: Value, config: ModelConfig): Value {
  const { n_embd, n_inner } = config;
  const wide = conv1d(graph, x, 'mlp.c_fc', n_embd, n_inner);
  const active = activation(graph, wide, config.activation_function);
  return conv1d(graph, active, 'mlp.c_proj', n_inner, n_embd);
}
