/**
 * @module Graphs for calibration: the operations of a GPT-2 block in float32, one graph each.
 *
 * `norm` and `activation` are those of `quantized.ts`. The sizes of `linear` and `gram` are symbolic, so one
 * session serves every layer.
 */
import type { ModelConfig } from '../format/manifest.ts';
import { Graph } from './onnx.ts';
import { activationOf, norm } from './quantized.ts';

export interface CalibrationGraphs {
  readonly norm: Uint8Array;
  readonly activation: Uint8Array;
  /** `x [rows, in]`, `weight [in, out]`, `bias [out]` → `y [rows, out]` */
  readonly linear: Uint8Array;
  /** `left [rows, a]`, `right [rows, b]` → `gram [a, b] = leftᵀ · right` */
  readonly gram: Uint8Array;
}

export function buildCalibrationGraphs(config: ModelConfig): CalibrationGraphs {
  return {
    norm: norm(config).encode(),
    activation: activationOf(config).encode(),
    linear: linear().encode(),
    gram: gram().encode(),
  };
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
