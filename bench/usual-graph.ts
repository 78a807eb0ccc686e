/**
 * @module The usual layout: GPT-2 as one ONNX graph, weights as initializers in external data, past and
 * present keys and values of each layer as inputs and outputs `[batch, n_head, tokens, head_size]`.
 *
 * It is an exporter's output after `quantize_dynamic`, optimized: each linear layer is one fused
 * DynamicQuantizeMatMul (one scale per tensor, for all rows), FusedMatMul scales the scores, the mask is
 * precomputed, and only the last position has logits. Like an export, it stores the tied matrix twice,
 * because the embedding lookup and the lm_head need different layouts.
 */
import protobuf from 'protobufjs';
import type { Manifest, ModelConfig, TensorEntry } from '../model-assets/format/manifest.ts';
import { activation } from '../model-assets/graphs/activations.ts';
import { Graph, type Value } from '../model-assets/graphs/onnx.ts';

/** The stream of the converted model's shards, without `wte`. */
export const WEIGHTS_FILE = 'weights';
/** The tied matrix as in exports: once for the embedding lookup, once for the lm_head, without padding. */
export const EMBEDDING_FILE = 'embedding';

export function embeddingTensors({ vocab_size, n_embd }: ModelConfig): readonly TensorEntry[] {
  const elements = vocab_size * n_embd;
  return [
    { name: 'embedding', dtype: 'int8', shape: [vocab_size, n_embd], offset: 0 },
    { name: 'wte.weight', dtype: 'int8', shape: [n_embd, vocab_size], offset: elements },
    { name: 'wte.weight_scale', dtype: 'float32', shape: [vocab_size], offset: 2 * elements },
  ];
}

/** Bytes of a tensor in this layout, which packs and pads nothing. */
export function usualBytes(dtype: TensorEntry['dtype'], shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, dtype === 'float32' ? 4 : 1);
}

/** Offset in the stream of the tensors that both layouts share: they follow `wte`. */
export function sharedTensorsOffset({ tensors }: Manifest): number {
  return Math.min(...sharedTensors(tensors).map(({ offset }) => offset));
}

const sharedTensors = (tensors: readonly TensorEntry[]) =>
  tensors.filter(({ name }) => !name.startsWith('wte.'));

/** Nodes refer to an initializer by its name. */
const initializer = (name: string): Value => name as Value;

/** The inputs and outputs of the graph, which depend on its caller. */
export interface GraphInterface {
  /** Type of `input_ids` and `position_ids`. */
  readonly idType: 'int32' | 'int64';
  /** The additive attention mask for the scores `[batch, n_head, tokens, total]`. */
  mask(graph: Graph, ids: Value): Value;
  /** Appends the rows `[batch, n_head, tokens, head_size]` to the cached keys and values of a layer. */
  appendToCache(graph: Graph, layer: number, rows: KeysAndValues, config: ModelConfig): KeysAndValues;
  /** 2: `[batch, vocab_size]`; 3: `[batch, 1, vocab_size]`. */
  readonly logitsRank: 2 | 3;
}

export interface KeysAndValues {
  readonly key: Value;
  readonly value: Value;
}

/** For {@link file://./usual.ts}, which computes the mask. */
const PLAIN_INTERFACE: GraphInterface = {
  idType: 'int64',
  mask: (graph) => graph.input('attention_mask', 'float32', ['tokens', 'total']),
  appendToCache: separateCaches('past', 'present'),
  logitsRank: 2,
};

/**
 * Keys and values as inputs `<past>.<layer>.key` and outputs `<present>.<layer>.key`; the same for `value`.
 */
export function separateCaches(past: string, present: string): GraphInterface['appendToCache'] {
  return (graph, layer, rows, { n_embd, n_head }) => {
    const cache = (tokens: string) => ['batch', n_head, tokens, n_embd / n_head];
    const append = (name: 'key' | 'value') => {
      const cached = graph.input(`${past}.${layer}.${name}`, 'float32', cache('past'));
      const grown = graph.node('Concat', [cached, rows[name]], { axis: 2 });
      return graph.output(`${present}.${layer}.${name}`, grown, 'float32', cache('total'));
    };
    return { key: append('key'), value: append('value') };
  };
}

/** The serialized graph for the tensors of a converted model, with its weights in external data. */
export function buildUsualGraph(manifest: Manifest): Uint8Array {
  const sharedOffset = sharedTensorsOffset(manifest);
  return withInitializers(buildWeightlessGraph(manifest, PLAIN_INTERFACE), [
    ...sharedTensors(manifest.tensors).map((tensor) =>
      externalTensor({ ...tensor, offset: tensor.offset - sharedOffset }, WEIGHTS_FILE),
    ),
    ...embeddingTensors(manifest.config).map((tensor) => externalTensor(tensor, EMBEDDING_FILE)),
  ]);
}

/** The same computation with inline weights, in one file, for any interface. */
export function buildInlineGraph(
  manifest: Manifest,
  graphInterface: GraphInterface,
  weights: Uint8Array,
  embedding: Uint8Array,
): Uint8Array {
  const sharedOffset = sharedTensorsOffset(manifest);
  return withInitializers(buildWeightlessGraph(manifest, graphInterface), [
    ...sharedTensors(manifest.tensors).map((tensor) =>
      inlineTensor({ ...tensor, offset: tensor.offset - sharedOffset }, weights),
    ),
    ...embeddingTensors(manifest.config).map((tensor) => inlineTensor(tensor, embedding)),
  ]);
}

/** The graph without its weights. */
function buildWeightlessGraph({ config }: Manifest, graphInterface: GraphInterface): Uint8Array {
  const { vocab_size, n_layer } = config;
  const graph = new Graph('gpt2');
  const ids = graph.input('input_ids', graphInterface.idType, ['batch', 'tokens']);
  const positions = graph.input('position_ids', graphInterface.idType, ['batch', 'tokens']);
  const mask = graphInterface.mask(graph, ids);

  const codes = graph.node('Cast', [graph.node('Gather', [initializer('embedding'), ids])], { to: 1 });
  const scales = graph.node('Unsqueeze', [
    graph.node('Gather', [initializer('wte.weight_scale'), ids]),
    graph.constant('int64', [-1]),
  ]);
  const position = graph.node('Gather', [initializer('wpe.weight'), positions]);
  let hidden = graph.node('Add', [graph.node('Mul', [codes, scales]), position]);
  for (let layer = 0; layer < n_layer; layer++) {
    hidden = block(graph, hidden, layer, config, { mask, graphInterface });
  }
  const lastIndex = graph.constant('int64', graphInterface.logitsRank === 2 ? -1 : [-1]);
  const last = graph.node('Gather', [hidden, lastIndex], { axis: 1 });
  const logits = linear(graph, layerNorm(graph, last, 'ln_f', config), 'wte', false);
  const dimensions = graphInterface.logitsRank === 2 ? ['batch', vocab_size] : ['batch', 1, vocab_size];
  graph.output('logits', logits, 'float32', dimensions);
  return graph.encode();
}

interface BlockContext {
  readonly mask: Value;
  readonly graphInterface: GraphInterface;
}

function block(
  graph: Graph,
  hidden: Value,
  layer: number,
  config: ModelConfig,
  context: BlockContext,
): Value {
  const prefix = `h.${layer}`;
  const normalized = layerNorm(graph, hidden, `${prefix}.ln_1`, config);
  const qkv = linear(graph, normalized, `${prefix}.attn.c_attn`);
  const attended = attention(graph, qkv, layer, config, context);
  const middle = graph.node('Add', [hidden, linear(graph, attended, `${prefix}.attn.c_proj`)]);
  const wide = linear(graph, layerNorm(graph, middle, `${prefix}.ln_2`, config), `${prefix}.mlp.c_fc`);
  const active = activation(graph, wide, config.activation_function);
  return graph.node('Add', [middle, linear(graph, active, `${prefix}.mlp.c_proj`)]);
}

function attention(
  graph: Graph,
  qkv: Value,
  layer: number,
  config: ModelConfig,
  { mask, graphInterface }: BlockContext,
): Value {
  const { n_embd, n_head } = config;
  const headSize = n_embd / n_head;
  const heads = graph.constant('int64', [0, 0, n_head, headSize]);
  const part = (i: number) => {
    const [begin, end] = [i * n_embd, (i + 1) * n_embd].map((offset) =>
      graph.constant('int64', [offset]),
    ) as [Value, Value];
    const rows = graph.node('Slice', [qkv, begin, end, graph.constant('int64', [-1])]);
    return graph.node('Transpose', [graph.node('Reshape', [rows, heads])], { perm: [0, 2, 1, 3] });
  };
  const query = part(0);
  const { key, value } = graphInterface.appendToCache(graph, layer, { key: part(1), value: part(2) }, config);
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
  const entries = { location, offset: String(offset), length: String(usualBytes(dtype, shape)) };
  return {
    name,
    dims: shape,
    data_type: dataType(dtype),
    data_location: EXTERNAL,
    external_data: Object.entries(entries).map(([key, value]) => ({ key, value })),
  };
}

/** @param bytes the buffer that the tensor's offset refers to */
function inlineTensor(tensor: TensorEntry, bytes: Uint8Array): object {
  const { name, dtype, shape, offset } = tensor;
  const raw_data = bytes.subarray(offset, offset + usualBytes(dtype, shape));
  return { name, dims: shape, data_type: dataType(dtype), raw_data };
}

function dataType(dtype: TensorEntry['dtype']): number {
  if (dtype !== 'float32' && dtype !== 'int8') throw new Error(`no ONNX data type for ${dtype}`);
  return DATA_TYPE[dtype];
}

/** Concatenated protobuf messages decode as one message with the fields of both. */
function withInitializers(model: Uint8Array, initializers: readonly object[]): Uint8Array {
  const addition = Model.encode(Model.fromObject({ graph: { initializer: initializers } })).finish();
  return Buffer.concat([model, addition]);
}
