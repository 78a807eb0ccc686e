/**
 * @module GPT-2 in ONNX for transformers.js: the inputs and outputs of Optimum's `text-generation-with-past`
 * export, as in the published `onnx/model_quantized.onnx` files.
 *
 * The computation is the usual layout (see `usual-graph.ts`), which is faster than an export in one way: only
 * the last position has logits.
 */
import type { Graph, Value } from '../../model-assets/graphs/onnx.ts';
import { type GraphInterface, separateCaches } from '../usual-graph.ts';

export const EXPORT_INTERFACE: GraphInterface = {
  idType: 'int64',
  mask: (graph, ids) => causalMask(graph, ids, 'int64'),
  appendToCache: separateCaches('past_key_values', 'present'),
  logitsRank: 3,
};

/** `TensorProto.DataType` */
const [FLOAT, BOOL] = [1, 9];

/**
 * An input `attention_mask [batch, total]` of ones and zeros → the additive mask `[batch, 1, tokens, total]`:
 * 0 where a key is no later than the query and not padding, else -1e30.
 */
export function causalMask(graph: Graph, ids: Value, type: 'int32' | 'int64'): Value {
  const attended = graph.input('attention_mask', type, ['batch', 'total']);
  const [zero, one] = [graph.constant('int64', 0), graph.constant('int64', 1)];
  const length = (value: Value) => graph.node('Gather', [graph.node('Shape', [value]), one]);
  const total = length(attended);
  const past = graph.node('Sub', [total, length(ids)]);
  const keys = graph.node('Range', [zero, total, one]);
  const queries = graph.node('Unsqueeze', [
    graph.node('Range', [past, total, one]),
    graph.constant('int64', [1]),
  ]);
  const causal = graph.node('LessOrEqual', [keys, queries]);
  const real = graph.node('Unsqueeze', [
    graph.node('Cast', [attended], { to: BOOL }),
    graph.constant('int64', [1, 2]),
  ]);
  const allowed = graph.node('Cast', [graph.node('And', [causal, real])], { to: FLOAT });
  // (allowed - 1) · 1e30 is 0 or far below any score; infinity · 0 would be NaN.
  const forbidden = graph.node('Sub', [allowed, graph.constant('float32', 1)]);
  return graph.node('Mul', [forbidden, graph.constant('float32', 1e30)]);
}
