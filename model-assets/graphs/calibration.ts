/**
 * @module GPT-2 in float32 taken apart at its linear layers, for watching what goes into them.
 *
 * Norms and activations are those of `parts.ts`. Sizes are named, not fixed, so that one session serves every layer that a part is in.
 */
import type { ModelConfig } from '../format/manifest.ts';
import { Graph } from './onnx.ts';
import { buildParts, type PartFiles } from './parts.ts';

export interface CalibrationGraphs extends Pick<PartFiles, 'norm' | 'activation'> {
  /** `x [rows, in]`, `weight [in, out]`, `bias [out]` → `y [rows, out]` */
  readonly linear: Uint8Array;
  /** `left [rows, a]`, `right [rows, b]` → `gram [a, b] = leftᵀ · right` */
  readonly gram: Uint8Array;
}

export function buildCalibrationGraphs(config: ModelConfig): CalibrationGraphs {
  const { norm, activation } = buildParts(config);
  return { norm, activation, linear: linear().encode(), gram: gram().encode() };
}

function linear(): Graph {
  const graph = new Graph('linear');
  const x = graph.input('x', 'float32', ['rows', 'in']);
  const product = graph.node('MatMul', [x, graph.input('weight', 'float32', ['in', 'out'])]);
  const y = graph.node('Add', [product, graph.input('bias', 'float32', ['out'])]);
  graph.output('y', y, 'float32', ['rows', 'out']);
  return graph;
}

function gram(): Graph {
  const graph = new Graph('gram');
  const left = graph.input('left', 'float32', ['rows', 'a']);
  const right = graph.input('right', 'float32', ['rows', 'b']);
  graph.output('gram', graph.node('Gemm', [left, right], { transA: 1 }), 'float32', ['a', 'b']);
  return graph;
}
