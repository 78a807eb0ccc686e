/**
 * @module GPT-2 as three small graphs without weights: `embed → block × n_layer → head`.
 *
 * Every weight is an input, so one session serves all layers, and a weight is stored exactly once, where the
 * loader put it. The parts carry the names of the paper (Radford et al. 2019, "Language Models are Unsupervised
 * Multitask Learners") and of transformers' `modeling_gpt2.py`.
 *
 * All graphs work on rows: one row is one token of one sequence. Rows never mix but in the attention over the
 * pool of keys and values, and there a row sees what its mask shows it.
 */
import type { ModelConfig, Precision } from '../manifest.ts';
import { activation } from './activations.ts';
import { LINEAR, type Linear } from './linear.ts';
import { Graph, type Value } from './onnx.ts';

export interface GraphFiles {
  readonly embed: Uint8Array;
  readonly block: Uint8Array;
  readonly head: Uint8Array;
}

export function buildGraphs(config: ModelConfig, precision: Precision): GraphFiles {
  const linear = LINEAR[precision];
  return {
    embed: embed(config, linear).encode(),
    block: block(config, linear).encode(),
    head: head(config, linear).encode(),
  };
}

/** `input_ids [rows]`, `position_ids [rows]` → `hidden [rows, n_embd]` */
function embed(config: ModelConfig, linear: Linear): Graph {
  const graph = new Graph('embed');
  const ids = graph.input('input_ids', 'int64', ['rows']);
  const positions = graph.input('position_ids', 'int64', ['rows']);
  const wpe = graph.input('wpe.weight', 'float32', [config.n_positions, config.n_embd]);
  const token = linear.lookUp(graph, ids, 'wte', config.n_embd, config.vocab_size);
  const position = graph.node('Gather', [wpe, positions]);
  graph.output('hidden', graph.node('Add', [token, position]), 'float32', ['rows', config.n_embd]);
  return graph;
}

/** `hidden [rows, n_embd]` → `hidden_out [rows, n_embd]`; this layer's keys and values enter the pool on the way. */
function block(config: ModelConfig, linear: Linear): Graph {
  const graph = new Graph('block');
  const hidden = graph.input('hidden', 'float32', ['rows', config.n_embd]);
  const attended = attention(graph, layerNorm(graph, hidden, 'ln_1', config), config, linear);
  const middle = graph.node('Add', [hidden, attended]);
  const thought = mlp(graph, layerNorm(graph, middle, 'ln_2', config), config, linear);
  graph.output('hidden_out', graph.node('Add', [middle, thought]), 'float32', ['rows', config.n_embd]);
  return graph;
}

/** `hidden [rows, n_embd]`, `selected [selected]` → `logits [selected, vocab_size]`: the tied read-out. */
function head(config: ModelConfig, linear: Linear): Graph {
  const graph = new Graph('head');
  const hidden = graph.input('hidden', 'float32', ['rows', config.n_embd]);
  const selected = graph.input('selected', 'int64', ['selected']);
  const last = layerNorm(graph, graph.node('Gather', [hidden, selected]), 'ln_f', config);
  const logits = linear.product(graph, last, 'wte', config.n_embd, config.vocab_size);
  graph.output('logits', logits, 'float32', ['selected', config.vocab_size]);
  return graph;
}

function layerNorm(graph: Graph, x: Value, name: string, config: ModelConfig): Value {
  const weight = graph.input(`${name}.weight`, 'float32', [config.n_embd]);
  const bias = graph.input(`${name}.bias`, 'float32', [config.n_embd]);
  return graph.node('LayerNormalization', [x, weight, bias], {
    axis: -1,
    epsilon: { float: config.layer_norm_epsilon },
  });
}

/** OpenAI's `Conv1D`: `x [rows, in] · weight [in, out] + bias [out]`. */
function conv1d(graph: Graph, x: Value, name: string, nIn: number, nOut: number, linear: Linear): Value {
  const product = linear.product(graph, x, name, nIn, nOut);
  return graph.node('Add', [product, graph.input(`${name}.bias`, 'float32', [nOut])]);
}

/**
 * Causal self-attention with past, over the pool of this layer: `past_key`, `past_value` `[n_head, slots, head_size]`.
 *
 * The new rows' keys and values are written into their slots first (`slot_indices [n_head, rows, 2]`, pairs of
 * head and slot), so there is one product with the keys and one with the values, whatever is past and whatever
 * is new. `present_key` and `present_value` are meant to be bound to the very memory of `past_key` and
 * `past_value`: then ScatterND copies nothing but the new rows. `mask [rows, slots]` is 0 where a row's own
 * path runs and -inf elsewhere; it alone makes the attention causal.
 */
function attention(graph: Graph, x: Value, config: ModelConfig, linear: Linear): Value {
  const { n_embd, n_head } = config;
  const headSize = n_embd / n_head;
  const pool = [n_head, 'slots', headSize];
  const pastKey = graph.input('past_key', 'float32', pool);
  const pastValue = graph.input('past_value', 'float32', pool);
  const slotIndices = graph.input('slot_indices', 'int64', [n_head, 'rows', 2]);
  const mask = graph.input('mask', 'float32', ['rows', 'slots']);

  const [query, key, value] = graph
    .splitInThree(conv1d(graph, x, 'attn.c_attn', n_embd, 3 * n_embd, linear))
    .map((part) => splitHeads(graph, part, n_head, headSize)) as [Value, Value, Value];
  const scatter = (past: Value, rows: Value) => graph.node('ScatterND', [past, slotIndices, rows]);
  const keys = graph.output('present_key', scatter(pastKey, key), 'float32', pool);
  const values = graph.output('present_value', scatter(pastValue, value), 'float32', pool);

  const alpha = config.scale_attn_weights ? 1 / Math.sqrt(headSize) : 1;
  const scores = graph.contrib('FusedMatMul', [query, keys], { transB: 1, alpha: { float: alpha } });
  const weights = graph.node('Softmax', [graph.node('Add', [scores, mask])], { axis: -1 });
  const context = mergeHeads(graph, graph.node('MatMul', [weights, values]), n_embd);
  return conv1d(graph, context, 'attn.c_proj', n_embd, n_embd, linear);
}

/** `[rows, n_embd]` → `[n_head, rows, head_size]` */
function splitHeads(graph: Graph, x: Value, nHead: number, headSize: number): Value {
  const heads = graph.node('Reshape', [x, graph.constant('int64', [-1, nHead, headSize])]);
  return graph.node('Transpose', [heads], { perm: [1, 0, 2] });
}

/** `[n_head, rows, head_size]` → `[rows, n_embd]` */
function mergeHeads(graph: Graph, x: Value, nEmbd: number): Value {
  const rows = graph.node('Transpose', [x], { perm: [1, 0, 2] });
  return graph.node('Reshape', [rows, graph.constant('int64', [-1, nEmbd])]);
}

function mlp(graph: Graph, x: Value, config: ModelConfig, linear: Linear): Value {
  const { n_embd, n_inner } = config;
  const wide = conv1d(graph, x, 'mlp.c_fc', n_embd, n_inner, linear);
  const active = activation(graph, wide, config.activation_function);
  return conv1d(graph, active, 'mlp.c_proj', n_inner, n_embd, linear);
}
