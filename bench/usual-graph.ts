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
import {
  type Manifest,
  type ModelConfig,
  type TensorEntry,
  tensorBytes,
} from '../model-assets/format/manifest.ts';
import { activation } from '../model-assets/graphs/activations.ts';
import { Graph, type Value } from '../model-assets/graphs/onnx.ts';

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

const sharedTensors = (tensors: readonly TensorEntry[]) =>
  tensors.filter(({ name }) => !name.startsWith('wte.'));

/** An initializer is a name to the nodes that take it. */
const initializer = (name: string): Value => name as Value;

/** What a caller of such a graph decides: the names and types at its border. */
export interface Border {
  /** Of `input_ids` and `position_ids`. */
  readonly idType: 'int32' | 'int64';
  /** Adds to the scores `[batch, n_head, tokens, total]` whatever forbids a key. */
  mask(graph: Graph, ids: Value): Value;
  /** The keys and values of a layer: what is cached, and after it the rows `[batch, n_head, tokens, head_size]`. */
  grow(graph: Graph, layer: number, rows: KeysAndValues, config: ModelConfig): KeysAndValues;
  /** `[batch, vocab_size]`, or with the one position that is read out between the two. */
  readonly logitsRank: 2 | 3;
}

export interface KeysAndValues {
  readonly key: Value;
  readonly value: Value;
}

/** For {@link file://./usual.ts}, which makes the mask. */
const PLAIN: Border = {
  idType: 'int64',
  mask: (graph) => graph.input('attention_mask', 'float32', ['tokens', 'total']),
  grow: growApart('past', 'present'),
  logitsRank: 2,
};

/** Keys and values as inputs `<past>.<layer>.key` and outputs `<present>.<layer>.key`, and the same of `value`. */
export function growApart(past: string, present: string): Border['grow'] {
  return (graph, layer, rows, { n_embd, n_head }) => {
    const cache = (tokens: string) => ['batch', n_head, tokens, n_embd / n_head];
    const grow = (name: 'key' | 'value') => {
      const cached = graph.input(`${past}.${layer}.${name}`, 'float32', cache('past'));
      const grown = graph.node('Concat', [cached, rows[name]], { axis: 2 });
      return graph.output(`${present}.${layer}.${name}`, grown, 'float32', cache('total'));
    };
    return { key: grow('key'), value: grow('value') };
  };
}

/** The graph's bytes, with its weights in external data; the tensors are those of the converted model. */
export function buildUsualGraph(manifest: Manifest): Uint8Array {
  const begin = sharedBegin(manifest);
  return withInitializers(buildBareGraph(manifest, PLAIN), [
    ...sharedTensors(manifest.tensors).map((tensor) =>
      externalTensor({ ...tensor, offset: tensor.offset - begin }, WEIGHTS_FILE),
    ),
    ...embeddingTensors(manifest.config).map((tensor) => externalTensor(tensor, EMBEDDING_FILE)),
  ]);
}

/** The same computation in one file, weights and all, for a caller of another kind. */
export function buildWholeGraph(
  manifest: Manifest,
  border: Border,
  weights: Uint8Array,
  embedding: Uint8Array,
): Uint8Array {
  const begin = sharedBegin(manifest);
  return withInitializers(buildBareGraph(manifest, border), [
    ...sharedTensors(manifest.tensors).map((tensor) =>
      inlineTensor({ ...tensor, offset: tensor.offset - begin }, weights),
    ),
    ...embeddingTensors(manifest.config).map((tensor) => inlineTensor(tensor, embedding)),
  ]);
}

/** Without its weights. */
function buildBareGraph({ config }: Manifest, border: Border): Uint8Array {
  const { vocab_size, n_layer } = config;
  const graph = new Graph('gpt2');
  const ids = graph.input('input_ids', border.idType, ['batch', 'tokens']);
  const positions = graph.input('position_ids', border.idType, ['batch', 'tokens']);
  const mask = border.mask(graph, ids);

  const codes = graph.node('Cast', [graph.node('Gather', [initializer('embedding'), ids])], { to: 1 });
  const scales = graph.node('Unsqueeze', [
    graph.node('Gather', [initializer('wte.weight_scale'), ids]),
    graph.constant('int64', [-1]),
  ]);
  const position = graph.node('Gather', [initializer('wpe.weight'), positions]);
  let hidden = graph.node('Add', [graph.node('Mul', [codes, scales]), position]);
  for (let layer = 0; layer < n_layer; layer++) {
    hidden = block(graph, hidden, layer, config, { mask, border });
  }
  const one = graph.constant('int64', border.logitsRank === 2 ? -1 : [-1]);
  const last = graph.node('Gather', [hidden, one], { axis: 1 });
  const logits = linear(graph, layerNorm(graph, last, 'ln_f', config), 'wte', false);
  const dimensions = border.logitsRank === 2 ? ['batch', vocab_size] : ['batch', 1, vocab_size];
  graph.output('logits', logits, 'float32', dimensions);
  return graph.encode();
}

interface Around {
  readonly mask: Value;
  readonly border: Border;
}

function block(graph: Graph, hidden: Value, layer: number, config: ModelConfig, around: Around): Value {
  const prefix = `h.${layer}`;
  const normalized = layerNorm(graph, hidden, `${prefix}.ln_1`, config);
  const qkv = linear(graph, normalized, `${prefix}.attn.c_attn`);
  const context = attention(graph, qkv, layer, config, around);
  const middle = graph.node('Add', [hidden, linear(graph, context, `${prefix}.attn.c_proj`)]);
  const wide = linear(graph, layerNorm(graph, middle, `${prefix}.ln_2`, config), `${prefix}.mlp.c_fc`);
  const active = activation(graph, wide, config.activation_function);
  return graph.node('Add', [middle, linear(graph, active, `${prefix}.mlp.c_proj`)]);
}

function attention(
  graph: Graph,
  qkv: Value,
  layer: number,
  config: ModelConfig,
  { mask, border }: Around,
): Value {
  const { n_embd, n_head } = config;
  const headSize = n_embd / n_head;
  const heads = graph.constant('int64', [0, 0, n_head, headSize]);
  const part = (i: number) => {
    const [begin, end] = [i * n_embd, (i + 1) * n_embd].map((at) => graph.constant('int64', [at])) as [
      Value,
      Value,
    ];
    const rows = graph.node('Slice', [qkv, begin, end, graph.constant('int64', [-1])]);
    return graph.node('Transpose', [graph.node('Reshape', [rows, heads])], { perm: [0, 2, 1, 3] });
  };
  const query = part(0);
  const { key, value } = border.grow(graph, layer, { key: part(1), value: part(2) }, config);
  const scores = graph.contrib('FusedMatMul', [query, key], {
    transB: 1,
    alpha: { float: 1 / Math.sqrt(headSize) },
  });
  const weights = graph.node('Softmax', [graph.node('Add', [scores, mask])], { axis: -1 });
  const context = graph.node('Transpose', [graph.node('MatMul', [weights, value])], { perm: [0, 2, 1, 3] });
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
    repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9;
    repeated Entry external_data = 13; int32 data_location = 14;
  }
  message Graph { repeated Tensor initializer = 5; }
  message Model { Graph graph = 7; }
`,
  { keepCase: true },
);
const Model = root.lookupType('Model');

/** `TensorProto.DataType` and `TensorProto.DataLocation` */
const DATA_TYPE = { float32: 1, int8: 3 } as const;
const EXTERNAL = 1;

function externalTensor(tensor: TensorEntry, location: string): object {
  const { name, dtype, shape, offset } = tensor;
  const entries = { location, offset: String(offset), length: String(tensorBytes(dtype, shape)) };
  return {
    name,
    dims: shape,
    data_type: dataType(dtype),
    data_location: EXTERNAL,
    external_data: Object.entries(entries).map(([key, value]) => ({ key, value })),
  };
}

/** @param bytes those that the tensor's offset counts from */
function inlineTensor(tensor: TensorEntry, bytes: Uint8Array): object {
  const { name, dtype, shape, offset } = tensor;
  const raw_data = bytes.subarray(offset, offset + tensorBytes(dtype, shape));
  return { name, dims: shape, data_type: dataType(dtype), raw_data };
}

function dataType(dtype: TensorEntry['dtype']): number {
  if (dtype !== 'float32' && dtype !== 'int8') throw new Error(`an ONNX graph cannot have ${dtype}`);
  return DATA_TYPE[dtype];
}

/** Two protobuf messages one after the other are one with the fields of both. */
function withInitializers(model: Uint8Array, initializers: readonly object[]): Uint8Array {
  const more = Model.encode(Model.fromObject({ graph: { initializer: initializers } })).finish();
  return Buffer.concat([model, more]);
}
