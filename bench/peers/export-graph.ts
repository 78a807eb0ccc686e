/**
 * @module GPT-2 in ONNX as transformers.js takes it: the inputs and outputs of Optimum's `text-generation-with-past`
 * export, as of the published `onnx/model_quantized.onnx` files.
 *
 * Inside it is the usual layout (see `usual-graph.ts`), which is faster than an export in one thing: only the last
 * position is read out.
 */
import type { Graph, Value } from '../../model-assets/graphs/onnx.ts';
import { type Border, growApart } from '../usual-graph.ts';

export const EXPORT_BORDER: Border = {
  idType: 'int64',
  mask: (graph, ids) => causalMask(graph, ids, 'int64'),
  grow: growApart('past_key_values', 'present'),
  logitsRank: 3,
};

/** `TensorProto.DataType` */
const [FLOAT, BOOL] = [1, 9];

/**
 * An input `attention_mask [batch, total]` of ones and zeros → what is added to the scores, `[batch, 1, tokens, total]`:
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
  // (allowed - 1) · 1e30 is 0 or far below any score; an infinity times 0 would be no number.
  const forbidden = graph.node('Sub', [allowed, graph.constant('float32', 1)]);
  return graph.node('Mul', [forbidden, graph.constant('float32', 1e30)]);
}
