/**
 * @module The usual layout: all of GPT-2 in one ONNX graph, weights as initializers in external data, past and present
 * of each layer as inputs and outputs `[batch, n_head, tokens, head_size]`.
 *
 * It is what exporters write and `quantize_dynamic` makes of it, and no slower than it needs to be: each linear layer
 * is one fused DynamicQuantizeMatMul (rows quantized together, by the tensor), the scores take their scale inside
 * FusedMatMul, the mask comes ready made, and only the last position is read out. Like an export, it has the tied
 * matrix twice, since it cannot use one layout at both ends.
 */
import protobuf from 'protobufjs';
import { activation } from '../model-assets/graphs/activations.ts';
import { Graph, type Value } from '../model-assets/graphs/onnx.ts';
import {
  ELEMENT_BYTES,
  type Manifest,
  type ModelConfig,
  type TensorEntry,
} from '../model-assets/manifest.ts';

/** The stream of the converted model's shards, without `wte`. */
export const WEIGHTS_FILE = 'weights';
/** The tied matrix as exports have it: for the look-up, and once more for the read-out, with just its tokens. */
export const EMBEDDING_FILE = 'embedding';

export function embeddingTensors({ vocab_size, n_embd }: ModelConfig): readonly TensorEntry[] {
  const elements = vocab_size * n_embd;
  return [
    { name: 'embedding', dtype: 'int8', shape: [vocab_size, n_embd], offset: 0 },
    { name: 'wte.weight', dtype: 'int8', shape: [n_embd, vocab_size], offset: elements },
    { name: 'wte.weight_scale', dtype: 'float32', shape: [vocab_size], offset: 2 * elements },
  ];
}

/** Where the tensors that both layouts share begin in the stream: after `wte`. */
export function sharedBegin({ tensors }: Manifest): number {
  return Math.min(...sharedTensors(tensors).map(({ offset }) => offset));
}

export function tensorBytes({ shape, dtype }: TensorEntry): number {
  return shape.reduce((product, size) => product * size, ELEMENT_BYTES[dtype]);
}

const sharedTensors = (tensors: readonly TensorEntry[]) =>
  tensors.filter(({ name }) => !name.startsWith('wte.'));

/** An initializer is a name to the nodes that take it. */
const initializer = (name: string): Value => name as Value;

/** The graph's bytes; the tensors are those of the converted model. */
export function buildUsualGraph(manifest: Manifest): Uint8Array {
  const { config, tensors } = manifest;
  const { vocab_size, n_layer } = config;
  const graph = new Graph('gpt2');
  const ids = graph.input('input_ids', 'int64', ['batch', 'tokens']);
  const positions = graph.input('position_ids', 'int64', ['batch', 'tokens']);
  const mask = graph.input('attention_mask', 'float32', ['tokens', 'total']);

  const codes = graph.node('Cast', [graph.node('Gather', [initializer('embedding'), ids])], { to: 1 });
  const scales = graph.node('Unsqueeze', [
    graph.node('Gather', [initializer('wte.weight_scale'), ids]),
    graph.constant('int64', [-1]),
  ]);
  const position = graph.node('Gather', [initializer('wpe.weight'), positions]);
  let hidden = graph.node('Add', [graph.node('Mul', [codes, scales]), position]);
  for (let layer = 0; layer < n_layer; layer++) hidden = block(graph, hidden, mask, layer, config);
  const last = graph.node('Gather', [hidden, graph.constant('int64', -1)], { axis: 1 });
  const logits = linear(graph, layerNorm(graph, last, 'ln_f', config), 'wte', false);
  graph.output('logits', logits, 'float32', ['batch', vocab_size]);

  const begin = sharedBegin(manifest);
  return withInitializers(graph.encode(), [
    ...sharedTensors(tensors).map((tensor) =>
      externalTensor({ ...tensor, offset: tensor.offset - begin }, WEIGHTS_FILE),
    ),
    ...embeddingTensors(config).map((tensor) => externalTensor(tensor, EMBEDDING_FILE)),
  ]);
}

function block(graph: Graph, hidden: Value, mask: Value, layer: number, config: ModelConfig): Value {
  const prefix = `h.${layer}`;
  const normalized = layerNorm(graph, hidden, `${prefix}.ln_1`, config);
  const context = attention(graph, linear(graph, normalized, `${prefix}.attn.c_attn`), mask, layer, config);
  const middle = graph.node('Add', [hidden, linear(graph, context, `${prefix}.attn.c_proj`)]);
  const wide = linear(graph, layerNorm(graph, middle, `${prefix}.ln_2`, config), `${prefix}.mlp.c_fc`);
  const active = activation(graph, wide, config.activation_function);
  return graph.node('Add', [middle, linear(graph, active, `${prefix}.mlp.c_proj`)]);
}

function attention(graph: Graph, qkv: Value, mask: Value, layer: number, config: ModelConfig): Value {
  const { n_embd, n_head } = config;
  const headSize = n_embd / n_head;
  const cache = (tokens: string) => ['batch', n_head, tokens, headSize];
  const heads = graph.constant('int64', [0, 0, n_head, headSize]);
  const part = (i: number) => {
    const [begin, end] = [i * n_embd, (i + 1) * n_embd].map((at) => graph.constant('int64', [at])) as [
      Value,
      Value,
    ];
    const rows = graph.node('Slice', [qkv, begin, end, graph.constant('int64', [-1])]);
    return graph.node('Transpose', [graph.node('Reshape', [rows, heads])], { perm: [0, 2, 1, 3] });
  };
  const [query, key, value] = [part(0), part(1), part(2)];
  const grow = (name: string, rows: Value) => {
    const past = graph.input(`past.${layer}.${name}`, 'float32', cache('past'));
    const present = graph.node('Concat', [past, rows], { axis: 2 });
    return graph.output(`present.${layer}.${name}`, present, 'float32', cache('total'));
  };
  const keys = grow('key', key);
  const values = grow('value', value);
  const scores = graph.contrib('FusedMatMul', [query, keys], {
    transB: 1,
    alpha: { float: 1 / Math.sqrt(headSize) },
  });
  const weights = graph.node('Softmax', [graph.node('Add', [scores, mask])], { axis: -1 });
  const context = graph.node('Transpose', [graph.node('MatMul', [weights, values])], { perm: [0, 2, 1, 3] });
  return graph.node('Reshape', [context, graph.constant('int64', [0, 0, n_embd])]);
}

function linear(graph: Graph, x: Value, name: string, hasBias = true): Value {
  const weight = [initializer(`${name}.weight`), initializer(`${name}.weight_scale`)];
  const noZeroPoint = initializer('');
  const bias = hasBias ? [noZeroPoint, initializer(`${name}.bias`)] : [];
  return graph.contrib('DynamicQuantizeMatMul', [x, ...weight, ...bias]);
}

function layerNorm(graph: Graph, x: Value, name: string, config: ModelConfig): Value {
  const parameters = [initializer(`${name}.weight`), initializer(`${name}.bias`)];
  return graph.node('LayerNormalization', [x, ...parameters], {
    axis: -1,
    epsilon: { float: config.layer_norm_epsilon },
  });
}

const { root } = protobuf.parse(
  `
  syntax = "proto3";
  message Entry { string key = 1; string value = 2; }
  message Tensor {
    repeated int64 dims = 1; int32 data_type = 2; string name = 8;
    repeated Entry external_data = 13; int32 data_location = 14;
  }
  message Graph { repeated Tensor initializer = 5; }
  message Model { Graph graph = 7; }
`,
  { keepCase: true },
);
const Model = root.lookupType('Model');

/** `TensorProto.DataType` and `TensorProto.DataLocation` */
const DATA_TYPE = { float32: 1, uint8: 2, int8: 3 } as const;
const EXTERNAL = 1;

function externalTensor(tensor: TensorEntry, location: string): object {
  const { name, dtype, shape, offset } = tensor;
  const entries = { location, offset: String(offset), length: String(tensorBytes(tensor)) };
  return {
    name,
    dims: shape,
    data_type: DATA_TYPE[dtype],
    data_location: EXTERNAL,
    external_data: Object.entries(entries).map(([key, value]) => ({ key, value })),
  };
}

/** Two protobuf messages one after the other are one with the fields of both. */
function withInitializers(model: Uint8Array, initializers: readonly object[]): Uint8Array {
  const more = Model.encode(Model.fromObject({ graph: { initializer: initializers } })).finish();
  return Buffer.concat([model, more]);
}
