/** @module The MLP's activation functions, by their names in `GPT2Config` (transformers `ACT2FN`). */
import type { ModelConfig } from '../format/manifest.ts';
import type { Graph, Value } from './onnx.ts';

type Activation = (graph: Graph, x: Value) => Value;

/** Hendrycks and Gimpel's tanh form of GELU. transformers has three implementations of this function. */
const geluTanh: Activation = (graph, x) => graph.contrib('FastGelu', [x]);

const ACTIVATIONS: Record<ModelConfig['activation_function'], Activation> = {
  gelu_new: geluTanh,
  gelu_fast: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  gelu: (graph, x) => graph.node('Gelu', [x]),
  relu: (graph, x) => graph.node('Relu', [x]),
  silu: (graph, x) => graph.node('Mul', [x, graph.node('Sigmoid', [x])]),
};

export function activation(graph: Graph, x: Value, name: ModelConfig['activation_function']): Value {
  return ACTIVATIONS[name](graph, x);
}
