/** @module The OpenAPI 3.1 document, made of the schemas that validate requests. */
import * as z from 'zod';
import {
  completionChunk,
  completionResponse,
  errorResponse,
  model,
  modelList,
} from '../contracts/openai/responses.ts';
import { completionSchema } from '../contracts/openai/schema.ts';
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
  Health: z.looseObject({ status: z.literal('ok') }),
} as const;

type Request = keyof typeof REQUESTS;
type Response = keyof typeof RESPONSES;

interface Route {
  readonly path: string;
  readonly method: 'get' | 'post';
  readonly summary: string;
  readonly tag: string;
  readonly parameters?: readonly string[];
  readonly request?: Request;
  readonly response?: Response;
  /** Of its events, where it streams. */
  readonly event?: Response;
  readonly error: Response;
  /** Statuses with the error's shape. */
  readonly errors: readonly number[];
}

const COMMON = [401, 405, 429, 500] as const;
const BODY = [400, 413, 415, 503, ...COMMON] as const;
const TGI_BODY = [413, 415, 422, ...COMMON] as const;

export const ROUTES: readonly Route[] = [
  {
    path: '/v1/completions',
    method: 'post',
    summary: 'Continues prompts (OpenAI)',
    tag: 'OpenAI',
    request: 'CompletionRequest',
    response: 'Completion',
    event: 'CompletionChunk',
    error: 'Error',
    errors: [404, ...BODY],
  },
  {
    path: '/v1/models',
    method: 'get',
    summary: 'The model',
    tag: 'OpenAI',
    response: 'ModelList',
    error: 'Error',
    errors: COMMON,
  },
  {
    path: '/v1/models/{id}',
    method: 'get',
    summary: 'The model, by its name',
    tag: 'OpenAI',
    parameters: ['id'],
    response: 'Model',
    error: 'Error',
    errors: [404, ...COMMON],
  },
  {
    path: '/',
    method: 'post',
    summary: 'Continues a text, streamed or not (Text Generation Inference)',
    tag: 'Text Generation Inference',
    request: 'CompatRequest',
    response: 'CompatResponse',
    event: 'StreamEvent',
    error: 'TgiError',
    errors: TGI_BODY,
  },
  {
    path: '/generate',
    method: 'post',
    summary: 'Continues a text',
    tag: 'Text Generation Inference',
    request: 'GenerateRequest',
    response: 'GenerateResponse',
    error: 'TgiError',
    errors: TGI_BODY,
  },
  {
    path: '/generate_stream',
    method: 'post',
    summary: 'Continues a text, token by token',
    tag: 'Text Generation Inference',
    request: 'GenerateRequest',
    event: 'StreamEvent',
    error: 'TgiError',
    errors: TGI_BODY,
  },
  {
    path: '/tokenize',
    method: 'post',
    summary: 'A text’s tokens, and where they stand in it',
    tag: 'Text Generation Inference',
    request: 'TokenizeRequest',
    response: 'TokenizeResponse',
    error: 'TgiError',
    errors: TGI_BODY,
  },
  {
    path: '/info',
    method: 'get',
    summary: 'The model and its limits',
    tag: 'Text Generation Inference',
    response: 'Info',
    error: 'TgiError',
    errors: COMMON,
  },
  {
    path: '/ai/run/{model}',
    method: 'post',
    summary: 'Continues a text (Cloudflare Workers AI)',
    tag: 'Workers AI',
    parameters: ['model'],
    request: 'RunRequest',
    response: 'RunResponse',
    event: 'RunEvent',
    error: 'RunError',
    errors: [404, ...BODY],
  },
  {
    path: '/health',
    method: 'get',
    summary: 'Whether it is up, whether the model is in memory, and who holds what of the heap',
    tag: 'Operation',
    response: 'Health',
    error: 'Error',
    errors: [405],
  },
];

export function openApiDocument(): object {
  const schemas = {
    ...Object.fromEntries(
      Object.entries(REQUESTS).map(([name, schema]) => [name, jsonSchema(schema, 'input')]),
    ),
    ...Object.fromEntries(
      Object.entries(RESPONSES).map(([name, schema]) => [name, jsonSchema(schema, 'output')]),
    ),
  };
  const paths: Record<string, object> = {};
  for (const route of ROUTES) paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'edgebeam',
      version: '0.1.0',
      description: 'GPT-2 text generation at the edge, with beam search.',
    },
    paths,
    components: {
      schemas,
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'Where the deployment has keys' },
      },
    },
    security: [{}, { key: [] }],
  };
}

function operation({
  summary,
  tag,
  parameters = [],
  request,
  response,
  event,
  error,
  errors,
}: Route): object {
  const content = (type: string, name: Response | Request) => ({ [type]: { schema: reference(name) } });
  const ok = {
    ...(response && content('application/json', response)),
    ...(event && content('text/event-stream', event)),
  };
  return {
    summary,
    tags: [tag],
    parameters: parameters.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...(request && { requestBody: { required: true, content: content('application/json', request) } }),
    responses: {
      200: { description: 'It worked', content: ok },
      ...Object.fromEntries(
        [...new Set(errors)].map((status) => [
          status,
          { description: 'It did not', content: content('application/json', error) },
        ]),
      ),
    },
  };
}

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
