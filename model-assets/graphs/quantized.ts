/**
 * @module The graphs of a quantized model (int8, int4): norms, and activations that are not a kernel. Linear
 * layers, GELU's tanh form and attention are kernels
 * (`engine/model/kernel-network.ts`). As in `gpt2.ts`, weights are inputs and rows are independent.
 */
import { isTanhGelu } from '../format/activations.ts';
import type { ModelConfig } from '../format/manifest.ts';
import { activation } from './activations.ts';
import { layerNorm } from './gpt2.ts';
import { Graph } from './onnx.ts';

export interface QuantizedGraphFiles {
  readonly norm: Uint8Array;
  readonly residual_norm: Uint8Array;
  readonly activation?: Uint8Array;
}

export function buildQuantizedGraphs(config: ModelConfig): QuantizedGraphFiles {
  return {
    norm: norm(config).encode(),
    residual_norm: residualNorm(config).encode(),
    ...(isTanhGelu(config) ? {} : { activation: activationOf(config).encode() }),
  };
}

/** `hidden [rows, n_embd]` → `normal [rows, n_embd]` */
export function norm(config: ModelConfig): Graph {
  const graph = new Graph('norm');
  const { n_embd } = config;
  const hidden = graph.input('hidden', 'float32', ['rows', n_embd]);
  graph.output('normal', layerNorm(graph, hidden, config), 'float32', ['rows', n_embd]);
  return graph;
}

/** `hidden`, `added [rows, n_embd]` → `hidden_out`, their sum, and `normal`, its norm. */
function residualNorm(config: ModelConfig): Graph {
  const graph = new Graph('residual_norm');
  const { n_embd } = config;
  const hidden = graph.input('hidden', 'float32', ['rows', n_embd]);
  const added = graph.input('added', 'float32', ['rows', n_embd]);
  const sum = graph.output('hidden_out', graph.node('Add', [hidden, added]), 'float32', ['rows', n_embd]);
  graph.output('normal', layerNorm(graph, sum, config), 'float32', ['rows', n_embd]);
  return graph;
}

/** `x [rows, n_inner]` → `y [rows, n_inner]` */
export function activationOf(config: ModelConfig): Graph {
  const graph = new Graph('activation');
  const { n_inner, activation_function } = config;
  const x = graph.input('x', 'float32', ['rows', n_inner]);
  graph.output('y', activation(graph, x, activation_function), 'float32', ['rows', n_inner]);
  return graph;
}
