/** @module Compiles a JSON schema to frames. */

import { CompileBudget, ConstraintError } from '../automaton/errors.ts';
import type { Frame } from '../automaton/frame.ts';
import { Analysis } from './analysis.ts';
import { SchemaDocument } from './document.ts';
import { ANY_OBJECT, ANYTHING } from './node.ts';
import { Nodes } from './nodes.ts';
import { type KeyOrder, SchemaParser } from './parse-schema.ts';
import { ValueReader } from './value-frames.ts';
import { NOTHING, type ValueNode } from './values.ts';

export interface JsonSchemaOptions {
  /**
   * The order of an object's keys: that of `properties`, then other keys (the default), or any. `"x-key-order"` in the
   * schema takes precedence: at its root for the whole schema, elsewhere for objects of that subschema.
   */
  readonly keyOrder?: KeyOrder;
}

/** Of all schemas, made on first use. */
let anyReader: ValueReader | undefined;

/**
 * The frames of a JSON text that the schema accepts, without white space before or after it.
 * @param schema parsed; an object or a boolean
 * @throws ConstraintError if the schema is malformed, accepts nothing, exceeds the budget or cannot be held exactly.
 *   It names the keyword and its place, a JSON pointer
 */
export function compileJsonSchema(
  schema: unknown,
  budget = new CompileBudget(),
  { keyOrder = 'schema' }: JsonSchemaOptions = {},
): Frame[] {
  const nodes = new Nodes(budget);
  const document = new SchemaDocument(schema);
  const root = new SchemaParser(document, nodes, keyOrder).node(document.root);
  return [frameOf(root, nodes)];
}

/** The frames of any JSON object. */
export function jsonObject(): Frame[] {
  const nodes = new Nodes(new CompileBudget());
  return [
    frameOf(
      nodes.create('', () => ({ ...NOTHING, objects: [ANY_OBJECT] })),
      nodes,
    ),
  ];
}

/** The frames of any JSON value. */
export function jsonValue(): Frame[] {
  return [readerOfAnything().value(ANYTHING)];
}

function frameOf(root: ValueNode, nodes: Nodes): Frame {
  const reader = readerOf(root, nodes, readerOfAnything());
  if (reader.analysis.distanceOf(root) === Infinity) throw new ConstraintError('the schema accepts nothing');
  return reader.value(root);
}

function readerOfAnything(): ValueReader {
  anyReader ??= readerOf(ANYTHING, new Nodes(new CompileBudget()));
  return anyReader;
}

function readerOf(root: ValueNode, nodes: Nodes, any?: ValueReader): ValueReader {
  return new ValueReader(new Analysis(root, nodes), any);
}
