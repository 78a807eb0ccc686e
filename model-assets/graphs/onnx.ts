/**
 * @module Builds ONNX graphs and encodes them as the protobuf that onnxruntime reads.
 *
 * The schema below is the subset of `onnx.proto` (ONNX IR version 10) that these graphs use.
 */
import protobuf from 'protobufjs';

const { root } = protobuf.parse(
  `
  syntax = "proto3";
  message Attribute {
    string name = 1; float f = 2; int64 i = 3; bytes s = 4; repeated int64 ints = 8; int32 type = 20;
  }
  message Node {
    repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
    repeated Attribute attribute = 5; string domain = 7;
  }
  message Tensor { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
  message Shape { repeated Dimension dim = 1; }
  message TensorType { int32 elem_type = 1; Shape shape = 2; }
  message Type { TensorType tensor_type = 1; }
  message ValueInfo { string name = 1; Type type = 2; }
  message Graph {
    repeated Node node = 1; string name = 2; repeated Tensor initializer = 5;
    repeated ValueInfo input = 11; repeated ValueInfo output = 12;
  }
  message OperatorSetId { string domain = 1; int64 version = 2; }
  message Model {
    int64 ir_version = 1; string producer_name = 2; Graph graph = 7; repeated OperatorSetId opset_import = 8;
  }
`,
  { keepCase: true },
);
const Model = root.lookupType('Model');

const IR_VERSION = 10;
const OPSETS = [
  { domain: '', version: 21 },
  { domain: 'com.microsoft', version: 1 },
];

/** `TensorProto.DataType` */
const DATA_TYPE = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const;
/** `AttributeProto.AttributeType` */
const ATTRIBUTE_TYPE = { float: 1, int: 2, ints: 7 } as const;

export type DataType = keyof typeof DATA_TYPE;
/** A number is a fixed size, a string the name of a symbolic one. */
export type Dimensions = readonly (number | string)[];
/** The name of a value inside one graph. */
export type Value = string & { readonly graphValue: unique symbol };
/** ONNX distinguishes integers from floats: `{ float: 1 }` is the float 1.0. */
export type Attribute = number | readonly number[] | { readonly float: number };

/** A graph under construction. A value is named after the node that computes it. */
export class Graph {
  readonly #name: string;
  readonly #nodes: { input: string[]; output: string[]; [field: string]: unknown }[] = [];
  readonly #initializers: object[] = [];
  readonly #inputs: object[] = [];
  readonly #outputs: object[] = [];
  readonly #constants = new Map<string, Value>();

  constructor(name: string) {
    this.#name = name;
  }

  input(name: string, type: DataType, dimensions: Dimensions): Value {
    this.#inputs.push(valueInfo(name, type, dimensions));
    return name as Value;
  }

  /** Makes `value` an output of the graph and renames it to `name`. */
  output(name: string, value: Value, type: DataType, dimensions: Dimensions): Value {
    const renamed = (values: string[]) => values.map((other) => (other === value ? name : other));
    for (const node of this.#nodes) {
      node.input = renamed(node.input);
      node.output = renamed(node.output);
    }
    this.#outputs.push(valueInfo(name, type, dimensions));
    return name as Value;
  }

  /** Adds a node with one output. */
  node(op: string, inputs: readonly Value[], attributes: Record<string, Attribute> = {}): Value {
    const value = `${op}_${this.#nodes.length}` as Value;
    this.#node(op, inputs, [value], attributes, '');
    return value;
  }

  /** Adds a node of onnxruntime's contrib operators, with one output. */
  contrib(op: string, inputs: readonly Value[], attributes: Record<string, Attribute> = {}): Value {
    const value = `${op}_${this.#nodes.length}` as Value;
    this.#node(op, inputs, [value], attributes, 'com.microsoft');
    return value;
  }

  /** A scalar, or a vector if `values` is an array. Equal constants are shared. */
  constant(type: DataType, values: number | readonly number[]): Value {
    const key = `${type}:${JSON.stringify(values)}`;
    const existing = this.#constants.get(key);
    if (existing) return existing;
    const name = `constant_${this.#constants.size}` as Value;
    const list = typeof values === 'number' ? [values] : values;
    this.#initializers.push({
      name,
      data_type: DATA_TYPE[type],
      dims: typeof values === 'number' ? [] : [list.length],
      raw_data: littleEndian(type, list),
    });
    this.#constants.set(key, name);
    return name;
  }

  /** @returns the bytes of a `ModelProto`. Deterministic. */
  encode(): Uint8Array {
    const model = {
      ir_version: IR_VERSION,
      producer_name: 'edgebeam',
      opset_import: OPSETS,
      graph: {
        name: this.#name,
        node: this.#nodes,
        initializer: this.#initializers,
        input: this.#inputs,
        output: this.#outputs,
      },
    };
    return Model.encode(Model.fromObject(model)).finish();
  }

  #node(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Record<string, Attribute>,
    domain: string,
  ): void {
    this.#nodes.push({
      name: `${op}_${this.#nodes.length}`,
      op_type: op,
      domain,
      input: [...inputs],
      output: [...outputs],
      attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
    });
  }
}

function attribute(name: string, value: Attribute): object {
  if (typeof value === 'number') return { name, type: ATTRIBUTE_TYPE.int, i: value };
  if ('float' in value) return { name, type: ATTRIBUTE_TYPE.float, f: value.float };
  return { name, type: ATTRIBUTE_TYPE.ints, ints: value };
}

function valueInfo(name: string, type: DataType, dimensions: Dimensions): object {
  const dim = dimensions.map((size) =>
    typeof size === 'number' ? { dim_value: size } : { dim_param: size },
  );
  return { name, type: { tensor_type: { elem_type: DATA_TYPE[type], shape: { dim } } } };
}

function littleEndian(type: DataType, values: readonly number[]): Uint8Array {
  switch (type) {
    case 'float32':
      return new Uint8Array(new Float32Array(values).buffer);
    case 'int32':
      return new Uint8Array(new Int32Array(values).buffer);
    case 'int64':
      return new Uint8Array(new BigInt64Array(values.map(BigInt)).buffer);
    case 'uint8':
    case 'int8':
      return Uint8Array.from(values);
  }
}
