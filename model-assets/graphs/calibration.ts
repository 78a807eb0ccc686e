/**
 * @module GPT-2 in float32 taken apart at its linear layers, for watching what goes into them.
 *
 * The parts are those of `gpt2.ts`. Sizes are named, not fixed, so that one session serves every layer that a part is in.
 */
import type { ModelConfig } from '../manifest.ts';
import { activation } from './activations.ts';
import { layerNorm } from './gpt2.ts';
import { Graph } from './onnx.ts';

export interface CalibrationGraphs {
  /** `hidden [rows, n_embd]`, `ln.weight`, `ln.bias` → `normal [rows, n_embd]` */
  readonly norm: Uint8Array;
  /** `x [rows, in]`, `weight [in, out]`, `bias [out]` → `y [rows, out]` */
  readonly linear: Uint8Array;
  /** `x [rows, n_inner]` → `active [rows, n_inner]` */
  readonly activation: Uint8Array;
  /** `left [rows, a]`, `right [rows, b]` → `gram [a, b] = leftᵀ · right` */
  readonly gram: Uint8Array;
}

export function buildCalibrationGraphs(config: ModelConfig): CalibrationGraphs {
  return {
    norm: norm(config).encode(),
    linear: linear().encode(),
    activation: active(config).encode(),
    gram: gram().encode(),
  };
}

function norm(config: ModelConfig): Graph {
  const graph = new Graph('norm');
  const hidden = graph.input('hidden', 'float32', ['rows', config.n_embd]);
  graph.output('normal', layerNorm(graph, hidden, 'ln', config), 'float32', ['rows', config.n_embd]);
  return graph;
}

function linear(): Graph {
  const graph = new Graph('linear');
  const x = graph.input('x', 'float32', ['rows', 'in']);
  const product = graph.node('MatMul', [x, graph.input('weight', 'float32', ['in', 'out'])]);
  const y = graph.node('Add', [product, graph.input('bias', 'float32', ['out'])]);
  graph.output('y', y, 'float32', ['rows', 'out']);
  return graph;
}

function active({ n_inner, activation_function }: ModelConfig): Graph {
  const graph = new Graph('activation');
  const x = graph.input('x', 'float32', ['rows', n_inner]);
  graph.output('active', activation(graph, x, activation_function), 'float32', ['rows', n_inner]);
  return graph;
}

function gram(): Graph {
  const graph = new Graph('gram');
  const left = graph.input('left', 'float32', ['rows', 'a']);
  const right = graph.input('right', 'float32', ['rows', 'b']);
  graph.output('gram', graph.node('Gemm', [left, right], { transA: 1 }), 'float32', ['a', 'b']);
  return graph;
}
