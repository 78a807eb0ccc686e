/** @module The schemas of all contracts as JSON Schema, by their names in the OpenAPI document. */
import * as z from 'zod';
import type { Contract, NamedSchema } from '../http/contract.ts';
import type { JsonSchema } from './types.ts';

/** All schemas in JSON Schema 2020-12: first requests, then answers and errors. */
export function jsonSchemas(contracts: readonly Contract[]): Record<string, JsonSchema> {
  const routes = contracts.flatMap((contract) => contract.routes);
  const present = (schemas: readonly (NamedSchema | undefined)[]) =>
    schemas.filter((schema) => schema !== undefined);
  const requests = present(routes.map(({ request }) => request));
  const answers = present([
    ...routes.flatMap(({ response, event }) => [response, event]),
    ...contracts.map(({ errors }) => errors),
  ]);
  return Object.fromEntries([
    ...requests.map(({ name, schema }) => [name, nullable(jsonSchema(schema, 'input'))]),
    ...answers.map(({ name, schema }) => [name, jsonSchema(schema, 'output')]),
  ]);
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

/**
 * Allows null for optional and for unknown fields, in the body and in TGI's `parameters`: in requests `null`
 * means omitted (`withoutNulls`).
 */
function nullable(object: JsonSchema): JsonSchema {
  const { properties = {}, required = [] } = object;
  const entries = Object.entries(properties).map(([name, schema]) => {
    if (typeof schema !== 'object') return [name, schema];
    const field = name === 'parameters' && schema.properties ? nullable(schema) : schema;
    return [name, required.includes(name) ? field : orNull(field)];
  });
  return {
    ...object,
    properties: Object.fromEntries(entries),
    additionalProperties: { type: 'null' as const },
  };
}

function orNull(schema: JsonSchema): JsonSchema {
  const { type, anyOf, properties, default: byDefault, description, ...rest } = schema;
  const common = {
    ...(byDefault !== undefined && { default: byDefault }),
    ...(description !== undefined && { description }),
  };
  if (anyOf) return { ...common, ...rest, anyOf: [...anyOf, { type: 'null' }] };
  if (!type || 'const' in rest || 'enum' in rest || properties) {
    const value = { ...rest, ...(type && { type }), ...(properties && { properties }) };
    return { ...common, anyOf: [value, { type: 'null' }] };
  }
  // JSON Schema allows a list of types; zod's type allows only one.
  return { ...common, ...rest, type: [type, 'null'] } as unknown as JsonSchema;
}
