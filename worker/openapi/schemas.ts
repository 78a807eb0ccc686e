/** @module The schemas of requests and answers, by the names that the OpenAPI document gives them. */
import * as z from 'zod';
import {
  completionChunk,
  completionResponse,
  errorResponse,
  model,
  modelList,
} from '../contracts/openai/responses.ts';
import { completionSchema } from '../contracts/openai/schema.ts';
import { healthResponse, readyResponse, resetResponse } from '../contracts/operation/responses.ts';
import {
  beamsEvent,
  compatResponse,
  generateResponse,
  infoResponse,
  streamEvent,
  tgiErrorResponse,
  tokenizeResponse,
} from '../contracts/tgi/responses.ts';
import { compatSchema, generateSchema, tokenizeSchema } from '../contracts/tgi/schema.ts';
import { runErrorResponse, runEvent, runResponse } from '../contracts/workers-ai/responses.ts';
import { runSchema } from '../contracts/workers-ai/schema.ts';
import { fieldDescription } from './fields.ts';

const REQUESTS = {
  CompletionRequest: completionSchema,
  CompatRequest: compatSchema,
  GenerateRequest: generateSchema,
  TokenizeRequest: tokenizeSchema,
  RunRequest: runSchema,
} as const;

const RESPONSES = {
  Completion: completionResponse,
  CompletionChunk: completionChunk,
  Model: model,
  ModelList: modelList,
  Error: errorResponse,
  CompatResponse: compatResponse,
  GenerateResponse: generateResponse,
  StreamEvent: z.union([streamEvent, beamsEvent]),
  TokenizeResponse: tokenizeResponse,
  Info: infoResponse,
  TgiError: tgiErrorResponse,
  RunResponse: runResponse,
  RunEvent: runEvent,
  RunError: runErrorResponse,
  Health: healthResponse,
  Ready: readyResponse,
  Reset: resetResponse,
} as const;

export type RequestName = keyof typeof REQUESTS;
export type ResponseName = keyof typeof RESPONSES;
export type SchemaName = RequestName | ResponseName;
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** All of them as JSON Schema, 2020-12. */
export function jsonSchemas(): Record<SchemaName, JsonSchema> {
  const requests = Object.entries(REQUESTS).map(([name, schema]) => [name, requestSchema(schema)]);
  const responses = Object.entries(RESPONSES).map(([name, schema]) => [name, jsonSchema(schema, 'output')]);
  return Object.fromEntries([...requests, ...responses]);
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

/**
 * Every field with what it does. What is optional may also be null, in the body and in TGI's `parameters`, and so may what there
 * is not, as the routes have it (`withoutNulls`).
 */
function requestSchema(schema: z.ZodType): JsonSchema {
  return described(jsonSchema(schema, 'input'), true);
}

function described(object: JsonSchema, nullable: boolean): JsonSchema {
  const { properties = {}, required = [] } = object;
  const entries = Object.entries(properties).map(([name, schema]) => {
    if (typeof schema !== 'object') return [name, schema];
    const description = fieldDescription(name);
    const whole = schema.properties ? described(schema, name === 'parameters') : schema;
    const field = { ...whole, ...(description !== undefined && { description }) };
    return [name, nullable && !required.includes(name) ? orNull(field) : field];
  });
  const others = nullable ? { additionalProperties: { type: 'null' as const } } : {};
  return { ...object, properties: Object.fromEntries(entries), ...others };
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
  // JSON Schema's own form, which zod's types know only of one type.
  return { ...common, ...rest, type: [type, 'null'] } as unknown as JsonSchema;
}
