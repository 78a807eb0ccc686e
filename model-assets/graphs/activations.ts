/** @module The MLP's activation functions as graphs. Each is computed value by value, whatever the other rows. */
import type { ActivationFunction } from '../format/activations.ts';
import type { Graph, Value } from './onnx.ts';

type Activation = (graph: Graph, x: Value) => Value;

/** Hendrycks and Gimpel's tanh form of GELU. */
const geluTanh: Activation = (graph, x) => graph.contrib('FastGelu', [x]);
/** `x · Φ(x)` */
const gelu: Activation = (graph, x) => graph.node('Gelu', [x]);

const clip = (graph: Graph, x: Value, low: number, high: number) =>
  graph.node('Clip', [x, graph.constant('float32', low), graph.constant('float32', high)]);

/** MEGA's Laplace function (Ma et al. 2022), the normal distribution's cumulative one: `(1 + erf((x - μ) / (σ · √2))) / 2`. */
function laplace(graph: Graph, x: Value): Value {
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: √½ as MEGA and transformers round it
  const [mu, sigma] = [0.707107, 0.282095];
  const constant = (value: number) => graph.constant('float32', value);
  const deviation = graph.node('Div', [graph.node('Sub', [x, constant(mu)]), constant(sigma * Math.SQRT2)]);
  const doubled = graph.node('Add', [graph.node('Erf', [deviation]), constant(1)]);
  return graph.node('Mul', [doubled, constant(0.5)]);
}

/** Of `atanh(z) = z + z³ / 3 + z⁵ / 5 + …`; for z of at most 1/3 the next one is below float32's precision. */
const ATANH_TERMS = 8;

/**
 * `√(ln(1 + eˣ))`. Its values for negative x are small: 1 + eˣ would lose them. With e = e^-|x|,
 * `ln(1 + eˣ) = max(x, 0) + ln(1 + e)`, and `ln(1 + e) = 2 · atanh(e / (2 + e))`.
 */
function sqrtSoftplus(graph: Graph, x: Value): Value {
  const constant = (value: number) => graph.constant('float32', value);
  const e = graph.node('Exp', [graph.node('Neg', [graph.node('Abs', [x])])]);
  const z = graph.node('Div', [e, graph.node('Add', [e, constant(2)])]);
  const square = graph.node('Mul', [z, z]);
  let sum = constant(2 / (2 * ATANH_TERMS - 1));
  for (let term = ATANH_TERMS - 1; term >= 1; term--) {
    sum = graph.node('Add', [graph.node('Mul', [square, sum]), constant(2 / (2 * term - 1))]);
  }
  const softplus = graph.node('Add', [graph.node('Mul', [z, sum]), graph.node('Relu', [x])]);
  return graph.node('Sqrt', [softplus]);
}

const ACTIVATIONS: Record<ActivationFunction, Activation> = {
  gelu_new: geluTanh,
  gelu_fast: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  gelu_python_tanh: geluTanh,
  gelu_accurate: geluTanh,
  gelu,
  gelu_python: gelu,
  gelu_10: (graph, x) => clip(graph, gelu(graph, x), -10, 10),
  quick_gelu: (graph, x) => graph.contrib('QuickGelu', [x], { alpha: { float: 1.702 } }),
  relu: (graph, x) => graph.node('Relu', [x]),
  relu2: (graph, x) => {
    const positive = graph.node('Relu', [x]);
    return graph.node('Mul', [positive, positive]);
  },
  relu6: (graph, x) => clip(graph, x, 0, 6),
  leaky_relu: (graph, x) => graph.node('LeakyRelu', [x], { alpha: { float: 0.01 } }),
  silu: (graph, x) => graph.node('Mul', [x, graph.node('Sigmoid', [x])]),
  hardswish: (graph, x) => graph.node('HardSwish', [x]),
  mish: (graph, x) => graph.node('Mul', [x, graph.node('Tanh', [graph.node('Softplus', [x])])]),
  sigmoid: (graph, x) => graph.node('Sigmoid', [x]),
  tanh: (graph, x) => graph.node('Tanh', [x]),
  laplace,
  sqrtsoftplus: sqrtSoftplus,
  linear: (graph, x) => graph.node('Identity', [x]),
};

export function activation(graph: Graph, x: Value, name: ActivationFunction): Value {
  return ACTIVATIONS[name](graph, x);
}
