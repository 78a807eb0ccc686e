/**
 * @module Graph builders for a stored weight matrix, one per precision.
 *
 * The embedding and the lm_head are tied: both use `wte`, stored `[n_embd, storedVocabSize]`. `matmul`
 * multiplies rows by a matrix, `embed` reads columns of it.
 */
import type { Precision } from '../format/manifest.ts';
import type { Graph, Value } from './onnx.ts';

export interface LinearBuilder {
  /** `x [rows, in] · weight [in, out]` → `[rows, out]`, without the bias. */
  matmul(graph: Graph, x: Value, name: string, nIn: number, nOut: number): Value;
  /** Columns `ids [rows]` of `weight [in, out]` → `[rows, in]`. */
  embed(graph: Graph, ids: Value, name: string, nIn: number, nOut: number): Value;
}

const f32: LinearBuilder = {
  matmul(graph, x, name, nIn, nOut) {
    return graph.node('MatMul', [x, graph.input(`${name}.weight`, 'float32', [nIn, nOut])]);
  },
  embed(graph, ids, name, nIn, nOut) {
    return columns(graph, graph.input(`${name}.weight`, 'float32', [nIn, nOut]), ids);
  },
};

/**
 * int8 weights with one scale per column. Rows are quantized to 8 bits at run time.
 *
 * The integer product is exact, and each row has its own scale, so a row's result depends on no other row.
 */
const int8: LinearBuilder = {
  matmul(graph, x, name, nIn, nOut) {
    const weight = graph.input(`${name}.weight`, 'int8', [nIn, nOut]);
    const weightScale = graph.input(`${name}.weight_scale`, 'float32', [nOut]);
    const { codes, scale } = quantizeRows(graph, x);
    const one = graph.constant('float32', 1);
    const zeroPoint = graph.constant('uint8', ZERO_POINT);
    const product = graph.contrib('MatMulIntegerToFloat', [codes, weight, one, weightScale, zeroPoint]);
    return graph.node('Mul', [product, scale]);
  },
  embed(graph, ids, name, nIn, nOut) {
    const weight = graph.input(`${name}.weight`, 'int8', [nIn, nOut]);
    const weightScale = graph.input(`${name}.weight_scale`, 'float32', [nOut]);
    const codes = graph.node('Cast', [columns(graph, weight, ids)], { to: 1 });
    const scale = graph.node('Unsqueeze', [
      graph.node('Gather', [weightScale, ids]),
      graph.constant('int64', [1]),
    ]);
    return graph.node('Mul', [codes, scale]);
  },
};

/** int4 is missing: its matmul is a kernel of ours, with the graphs of `int4.ts` around it. */
export const LINEAR_BUILDERS = { f32, int8 } satisfies Partial<Record<Precision, LinearBuilder>>;

/** onnxruntime's fast integer kernel on WASM takes unsigned rows only, so 128 is the code of zero. */
const ZERO_POINT = 128;
/** Avoids a division by zero for a row of zeros. Other rows of a working model are far above it. */
const MIN_ROW_MAXIMUM = 1e-30;

/** `x [rows, n]` ≈ `(codes - 128) · scale`, codes in 1 … 255, `scale [rows, 1] = max|x| / 127` */
function quantizeRows(graph: Graph, x: Value): { codes: Value; scale: Value } {
  const largest = graph.node('ReduceMax', [graph.node('Abs', [x]), graph.constant('int64', [-1])], {
    keepdims: 1,
  });
  const bounded = graph.node('Max', [largest, graph.constant('float32', MIN_ROW_MAXIMUM)]);
  const scale = graph.node('Mul', [bounded, graph.constant('float32', 1 / 127)]);
  const scaled = graph.node('Div', [x, scale]);
  const one = graph.constant('float32', 1);
  const codes = graph.node('QuantizeLinear', [scaled, one, graph.constant('uint8', ZERO_POINT)]);
  return { codes, scale };
}

/** `weight [in, out]`, `ids [rows]` → `[rows, in]` */
function columns(graph: Graph, weight: Value, ids: Value): Value {
  return graph.node('Transpose', [graph.node('Gather', [weight, ids], { axis: 1 })], { perm: [1, 0] });
}
