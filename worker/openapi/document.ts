/** @module The OpenAPI 3.1 document, derived from the contracts. */
import {
  type AnswerSchema,
  type Contract,
  contractOf,
  type NamedSchema,
  type Route,
} from '../http/contract.ts';
import { ApiError } from '../http/errors.ts';
import { jsonSchemas } from './schemas.ts';
import type { Content, OpenApiDocument, Operation, Reference } from './types.ts';

const VERSION = '0.1.0';

/** @param base the base path of the deployment */
export async function openApiDocument(contracts: readonly Contract[], base = ''): Promise<OpenApiDocument> {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const contract of contracts) {
    for (const route of contract.routes) {
      const path = route.path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}');
      // If two contracts share a path, its errors have the shape of the first.
      const errors = contractOf(contracts, route.path).errors;
      paths[path] = { ...paths[path], [route.method]: operation(route, contract.name, errors) };
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'edgebeam',
      version: VERSION,
      description: 'GPT-2 text generation at the edge, with beam search.',
      license: { name: 'MIT', identifier: 'MIT' },
    } as OpenApiDocument['info'],
    servers: [{ url: base === '' ? '/' : encodeURI(base) }],
    paths,
    components: {
      schemas: await jsonSchemas(contracts),
      headers: HEADERS,
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'One of the deployment’s keys, if it has any.',
        },
      },
    },
    security: [{}, { key: [] }],
    tags: contracts.map(({ name, description }) => ({ name, description })),
  };
}

const text = { type: 'string' } as const;

const HEADERS = {
  'x-request-id': {
    description: 'The id that the request sent, or a new one; it is also in the log.',
    schema: text,
  },
  'retry-after': { description: 'Seconds to wait before a retry.', schema: text },
  'x-should-retry': { description: 'For OpenAI’s clients: whether a retry can help.', schema: text },
  allow: { description: 'The methods that the path supports.', schema: text },
  'www-authenticate': { description: 'The expected authentication scheme.', schema: text },
};

/** For each status, its description and its headers beside the request id. */
const ERRORS: Readonly<Record<number, readonly [string, ...(keyof typeof HEADERS)[]]>> = {
  400: ['A field is wrong, or the body is not JSON: the message names the field, its value and the limit.'],
  401: ['The key is missing or wrong.', 'www-authenticate'],
  403: ['The key does not give access to this.'],
  404: ['No model, and no adapter, has this name.'],
  405: ['The path does not support this method.', 'allow'],
  408: ['The body took too long to arrive.'],
  413: ['The body is larger than 1 MiB.'],
  415: ['The body is not application/json.'],
  422: ['A field is wrong, or the body is not JSON: the message names the field, its value and the limit.'],
  429: [
    'Too many requests. TGI’s routes also use it when the server is busy.',
    'retry-after',
    'x-should-retry',
  ],
  500: ['The model cannot be loaded, or an internal error occurred; the log has details.', 'x-should-retry'],
  503: ['The server is busy, or the model is being loaded.', 'retry-after', 'x-should-retry'],
};

/**
 * Error statuses of every route, of routes that need a key, and of routes with a body, before the contract
 * maps them.
 */
const EVERY_ROUTE = [405, 500];
const WITH_KEY = [401, 429];
const WITH_BODY = [400, 408, 413, 415, 503];

function operation(route: Route, tag: string, shape: Contract['errors']): Operation {
  const { summary, path, request, errors = [], open } = route;
  const thrown = [...EVERY_ROUTE, ...(open ? [] : WITH_KEY), ...(request ? WITH_BODY : []), ...errors];
  const statuses = new Set(
    thrown.map((status) => shape.status(new ApiError(status as ApiError['status'], ''))),
  );
  const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name);
  return {
    summary,
    tags: [tag],
    parameters: parameters.map((name) => ({ name, in: 'path', required: true, schema: text })),
    ...(request && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: reference(request), example: request.example } },
      },
    }),
    responses: {
      200: {
        description: describeSuccess(route),
        headers: headers([]),
        content: successContent(route, shape),
      },
      ...Object.fromEntries([...statuses].sort().map((status) => [status, failure(status, shape)])),
    },
    ...(open && { security: [] }),
  };
}

function describeSuccess({ response, event }: Route): string {
  if (!event) return 'The answer.';
  const events =
    'A stream consists of server-sent events. The schema describes the data of each event; an error within ' +
    'the stream has the error schema. In some contracts the last event is [DONE].';
  return response ? `The answer, or its stream. ${events}` : events;
}

function successContent({ response, event, text: type }: Route, shape: AnswerSchema): Content {
  return {
    ...(response && { 'application/json': { schema: reference(response) } }),
    ...(event && { 'text/event-stream': { schema: { anyOf: [reference(event), reference(shape)] } } }),
    ...(type && { [type]: { schema: { type: type === 'application/json' ? 'object' : 'string' } } }),
  };
}

function failure(status: number, shape: AnswerSchema): Operation['responses'][string] {
  const [description, ...headerNames] = ERRORS[status] ?? [];
  if (description === undefined) throw new RangeError(`status ${status} has no description`);
  return {
    description,
    headers: headers(headerNames),
    content: { 'application/json': { schema: reference(shape) } },
  };
}

function headers(names: readonly (keyof typeof HEADERS)[]): object {
  const all = ['x-request-id', ...names];
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function reference({ name }: Pick<NamedSchema, 'name'>): Reference {
  return { $ref: `#/components/schemas/${name}` };
}
