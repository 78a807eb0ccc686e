/**
 * @module GPT-2 inside onnxruntime's own beam search: a graph of one `com.microsoft.BeamSearch` node with the
 * usual layout as its decoder, whose inputs and outputs follow the operator's documentation
 * (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.BeamSearch).
 */
import protobuf from 'protobufjs';
import type { Graph, Value } from '../../model-assets/graphs/onnx.ts';
import type { GraphInterface } from '../usual-graph.ts';
import { causalMask } from './export-graph.ts';

/** Keys and values of a layer are one tensor, `past_<layer> [2, batch, n_head, past, head_size]`. */
export const BEAM_SEARCH_INTERFACE: GraphInterface = {
  idType: 'int32',
  mask: (graph, ids) => causalMask(graph, ids, 'int32'),
  appendToCache(graph, layer, rows, { n_embd, n_head }) {
    const cache = (tokens: string) => [2, 'batch', n_head, tokens, n_embd / n_head];
    const past = graph.input(`past_${layer}`, 'float32', cache('past'));
    const first = graph.constant('int64', [0]);
    const added = graph.node('Concat', [rows.key, rows.value].map(unsqueezed(graph, first)), { axis: 0 });
    const present = graph.node('Concat', [past, added], { axis: 3 });
    const half = (i: number) => graph.node('Gather', [present, graph.constant('int64', i)], { axis: 0 });
    const [key, value] = [half(0), half(1)];
    graph.output(`present_${layer}`, present, 'float32', cache('total'));
    return { key, value };
  },
  logitsRank: 3,
};

const unsqueezed = (graph: Graph, axes: Value) => (value: Value) => graph.node('Unsqueeze', [value, axes]);

/** Messages that are copied unchanged are declared as `bytes`, which have the same wire format. */
const { root } = protobuf.parse(
  `
  syntax = "proto3";
  message Whole { int64 ir_version = 1; string producer_name = 2; repeated bytes graph = 7; repeated bytes opset_import = 8; }
  message Decoder {
    repeated bytes node = 1; string name = 2; repeated bytes initializer = 5;
    repeated bytes input = 11; repeated bytes output = 12;
  }
  message Attribute { string name = 1; int64 i = 3; bytes g = 6; int32 type = 20; }
  message Node {
    repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
    repeated Attribute attribute = 5; string domain = 7;
  }
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
  message Shape { repeated Dimension dim = 1; }
  message TensorType { int32 elem_type = 1; Shape shape = 2; }
  message Type { TensorType tensor_type = 1; }
  message ValueInfo { string name = 1; Type type = 2; }
  message Graph { repeated Node node = 1; string name = 2; repeated ValueInfo input = 11; repeated ValueInfo output = 12; }
`,
  { keepCase: true },
);
const [Whole, DecoderGraph, OuterGraph] = ['Whole', 'Decoder', 'Graph'].map((name) =>
  root.lookupType(name),
) as [protobuf.Type, protobuf.Type, protobuf.Type];

/** `TensorProto.DataType` */
const [FLOAT, INT32] = [1, 6];
/** `AttributeProto.AttributeType` */
const [INT, GRAPH] = [2, 5];

const INPUTS = [
  ['input_ids', INT32, ['batch', 'tokens']],
  ['max_length', INT32, [1]],
  ['min_length', INT32, [1]],
  ['num_beams', INT32, [1]],
  ['num_return_sequences', INT32, [1]],
  ['length_penalty', FLOAT, [1]],
  ['repetition_penalty', FLOAT, [1]],
] as const;

/** @param decoder a serialized model with {@link BEAM_SEARCH_INTERFACE} */
export function beamSearchModel(decoder: Uint8Array, eosTokenId: number): Uint8Array {
  const model = Whole.toObject(Whole.decode(decoder)) as { graph: Uint8Array[] };
  // A protobuf message may be split into several fields; concatenated they are one message.
  const decoderGraph = Buffer.concat(model.graph);
  const graph = {
    name: 'beam_search',
    input: INPUTS.map(([name, type, dimensions]) => valueInfo(name, type, dimensions)),
    output: [valueInfo('sequences', INT32, ['batch', 'returned', 'max_length'])],
    node: [
      {
        name: 'BeamSearch',
        op_type: 'BeamSearch',
        domain: 'com.microsoft',
        input: INPUTS.map(([name]) => name),
        output: ['sequences'],
        attribute: [
          ...Object.entries({ model_type: 0, eos_token_id: eosTokenId, pad_token_id: eosTokenId }).map(
            ([name, i]) => ({ name, i, type: INT }),
          ),
          { name: 'decoder', g: logitsFirst(decoderGraph), type: GRAPH },
        ],
      },
    ],
  };
  const bytes = OuterGraph.encode(OuterGraph.fromObject(graph)).finish();
  return Whole.encode(Whole.fromObject({ ...model, graph: [bytes] })).finish();
}

/** The operator identifies the decoder's outputs by their order. */
function logitsFirst(graph: Uint8Array): Uint8Array {
  const decoder = DecoderGraph.toObject(DecoderGraph.decode(graph)) as { output: Uint8Array[] };
  const output = [...decoder.output.slice(-1), ...decoder.output.slice(0, -1)];
  return DecoderGraph.encode(DecoderGraph.fromObject({ ...decoder, output })).finish();
}

function valueInfo(name: string, type: number, dimensions: readonly (string | number)[]): object {
  const dim = dimensions.map((size) =>
    typeof size === 'number' ? { dim_value: size } : { dim_param: size },
  );
  return { name, type: { tensor_type: { elem_type: type, shape: { dim } } } };
}
