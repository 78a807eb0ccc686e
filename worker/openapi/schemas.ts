/** @module The schemas of all contracts as JSON Schema, by their names in the OpenAPI document. */
import * as z from 'zod';
import type { AnswerSchema, Contract } from '../http/contract.ts';
import type { JsonSchema } from './types.ts';

const NULL = { type: 'null' } as const;

function isSchema(schema: unknown): schema is JsonSchema {
  return typeof schema === 'object' && schema !== null && !Array.isArray(schema);
}

/** All schemas in JSON Schema 2020-12: first requests, then answers and errors. */
export async function jsonSchemas(contracts: readonly Contract[]): Promise<Record<string, JsonSchema>> {
  const routes = contracts.flatMap((contract) => contract.routes);
  const requests = routes.flatMap(({ request }) => request ?? []);
  const answers: readonly AnswerSchema[] = [
    ...routes.flatMap(({ response, event }) => [response ?? [], event ?? []].flat()),
    ...contracts.map(({ errors }) => errors),
  ];
  const entries: [string, JsonSchema][] = [];
  for (const { name, schema } of requests) entries.push([name, nullable(jsonSchema(schema, 'input'))]);
  for (const { name, schema } of answers) entries.push([name, jsonSchema(await schema(), 'output')]);
  return Object.fromEntries(entries);
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

/**
 * Allows null for optional and for unknown fields of objects at any depth: in requests `null` means omitted
 * (`withoutNulls`).
 */
function nullable(schema: JsonSchema): JsonSchema {
  const { properties, items, anyOf, additionalProperties, required = [] } = schema;
  const values = typeof additionalProperties === 'object' ? additionalProperties : undefined;
  return {
    ...schema,
    ...(properties && { properties: nullableFields(properties, required), additionalProperties: NULL }),
    ...(values && { additionalProperties: orNull(nullable(values)) }),
    ...(isSchema(items) && { items: nullable(items) }),
    ...(anyOf && { anyOf: anyOf.map((one) => (isSchema(one) ? nullable(one) : one)) }),
  };
}

function nullableFields(
  properties: NonNullable<JsonSchema['properties']>,
  required: readonly string[],
): NonNullable<JsonSchema['properties']> {
  const entries = Object.entries(properties).map(([name, schema]) => {
    if (!isSchema(schema)) return [name, schema];
    return [name, required.includes(name) ? nullable(schema) : orNull(nullable(schema))];
  });
  return Object.fromEntries(entries);
}

function orNull(schema: JsonSchema): JsonSchema {
  // zod's type says one type; of a nullable field it is a list.
  const types: unknown = schema.type;
  if (Array.isArray(types) && types.includes('null')) return schema;
  const { type, anyOf, properties, default: byDefault, description, ...rest } = schema;
  const common = {
    ...(byDefault !== undefined && { default: byDefault }),
    ...(description !== undefined && { description }),
  };
  if (anyOf) return { ...common, ...rest, anyOf: [...anyOf, NULL] };
  if (!type || 'const' in rest || 'enum' in rest || properties) {
    const value = { ...rest, ...(type && { type }), ...(properties && { properties }) };
    return { ...common, anyOf: [value, NULL] };
  }
  // JSON Schema allows a list of types; zod's type allows only one.
  return { ...common, ...rest, type: [type, 'null'] } as unknown as JsonSchema;
}
