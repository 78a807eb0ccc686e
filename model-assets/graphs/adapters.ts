/**
 * @module The graphs of an f32 model with LoRA adapters: as in `gpt2.ts`, but with each linear layer on its own, whose
 * result a kernel changes (`engine/model/onnx-adapter-network.ts`).
 */
import type { ModelConfig } from '../format/manifest.ts';
import { buildGraphs, type GraphFiles } from './gpt2.ts';
import { Graph } from './onnx.ts';
import { activationOf, buildQuantizedGraphs, type QuantizedGraphFiles } from './quantized.ts';

export interface AdapterGraphFiles
  extends Pick<GraphFiles, 'embed' | 'head'>,
    Pick<QuantizedGraphFiles, 'norm' | 'residual_norm'> {
  readonly linear: Uint8Array;
  readonly activation: Uint8Array;
}

export function buildAdapterGraphs(config: ModelConfig): AdapterGraphFiles {
  const { embed, head } = buildGraphs(config);
  const { norm, residual_norm } = buildQuantizedGraphs(config);
  return {
    embed,
    norm,
    linear: linear().encode(),
    residual_norm,
    activation: activationOf(config).encode(),
    head,
  };
}

/** `x [rows, in]` → `y [rows, out]`: one graph for all linear layers, whose sizes are those of its weights. */
function linear(): Graph {
  const graph = new Graph('linear');
  const x = graph.input('x', 'float32', ['rows', 'in']);
  const weight = graph.input('weight', 'float32', ['in', 'out']);
  const bias = graph.input('bias', 'float32', ['out']);
  const y = graph.node('Add', [graph.node('MatMul', [x, weight]), bias]);
  graph.output('y', y, 'float32', ['rows', 'out']);
  return graph;
}
