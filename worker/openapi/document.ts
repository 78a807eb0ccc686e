/** @module The OpenAPI 3.1 document, made of the schemas that validate requests. */
import { ROUTES, type Route } from './routes.ts';
import { type JsonSchema, jsonSchemas, type SchemaName } from './schemas.ts';

export const VERSION = '0.1.0';

export interface Reference {
  readonly $ref: `#/components/schemas/${SchemaName}`;
}

export type Content = Readonly<
  Record<string, { readonly schema: Reference | JsonSchema | { readonly anyOf: readonly Reference[] } }>
>;

export interface Operation {
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters: readonly object[];
  readonly requestBody?: {
    readonly required: true;
    readonly content: {
      readonly 'application/json': { readonly schema: Reference; readonly example: object };
    };
  };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly headers: object; readonly content: Content }>
  >;
  readonly security?: readonly [];
}

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: object;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, { readonly get?: Operation; readonly post?: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<SchemaName, JsonSchema>> } & Record<
    string,
    object
  >;
  readonly security: readonly object[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
}

let made: OpenApiDocument | undefined;

/** Made when it is first asked for: a Worker that starts has little time. */
export function openApiDocument(): OpenApiDocument {
  made ??= makeDocument();
  return made;
}

function makeDocument(): OpenApiDocument {
  const paths: Record<string, object> = {};
  for (const route of ROUTES) paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'edgebeam',
      version: VERSION,
      description: 'GPT-2 text generation at the edge, with beam search.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: jsonSchemas(),
      headers: HEADERS,
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'One of the deployment’s keys, where it has some.',
        },
      },
    },
    security: [{}, { key: [] }],
    tags: TAGS,
  };
}

const TAGS = [
  { name: 'OpenAI', description: 'The contract of OpenAI’s completions, with vLLM’s fields beside its own.' },
  { name: 'Text Generation Inference', description: 'The contract of Hugging Face’s server.' },
  { name: 'Workers AI', description: 'The contract of Cloudflare’s models.' },
  { name: 'Operation', description: 'For those who run it.' },
];

const text = { type: 'string' } as const;

const HEADERS = {
  'x-request-id': { description: 'The request’s own, or a new one; it is in the log.', schema: text },
  'retry-after': { description: 'Seconds until it is worth trying again.', schema: text },
  'x-should-retry': { description: 'For clients of OpenAI: whether trying again can help.', schema: text },
  allow: { description: 'The methods that the path takes.', schema: text },
  'www-authenticate': { description: 'What kind of key is asked for.', schema: text },
};

/** By status: what it means, and the headers it has beside the request's number. */
const ERRORS: Readonly<Record<number, readonly [string, ...(keyof typeof HEADERS)[]]>> = {
  400: ['A field is wrong, or the body is not JSON: the message names the field, its value and the limit.'],
  401: ['The key is missing or wrong.', 'www-authenticate'],
  404: ['There is no model of this name.'],
  405: ['The path takes other methods.', 'allow'],
  413: ['The body is larger than 1 MiB.'],
  415: ['The body is not application/json.'],
  422: ['A field is wrong, or the body is not JSON: the message names the field, its value and the limit.'],
  429: ['Too many requests, or at TGI’s routes too many at once.', 'retry-after', 'x-should-retry'],
  500: ['The model cannot be loaded, or something broke; the log has it.', 'x-should-retry'],
  503: ['It cannot serve this now.', 'retry-after', 'x-should-retry'],
};

function operation(route: Route): Operation {
  const { summary, tag, parameters = [], request, example = {}, errors, open } = route;
  return {
    summary,
    tags: [tag],
    parameters: parameters.map((name) => ({ name, in: 'path', required: true, schema: text })),
    ...(request && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: reference(request), example } },
      },
    }),
    responses: {
      200: { description: describeSuccess(route), headers: headers([]), content: successContent(route) },
      ...Object.fromEntries([...errors].sort().map((status) => [status, failure(status, route)])),
    },
    ...(open && { security: [] }),
  };
}

function describeSuccess({ response, event }: Route): string {
  if (!event) return 'The answer.';
  const events =
    'A stream is server-sent events, of which the schema describes the data of each; an error in its middle has ' +
    'the shape of errors. Where the contract has it so, [DONE] is the last.';
  return response ? `The answer, or its stream. ${events}` : events;
}

function successContent({ response, event, text: type, error }: Route): Content {
  return {
    ...(response && { 'application/json': { schema: reference(response) } }),
    ...(event && { 'text/event-stream': { schema: { anyOf: [reference(event), reference(error)] } } }),
    ...(type && { [type]: { schema: { type: type === 'application/json' ? 'object' : 'string' } } }),
  };
}

function failure(status: number, { error }: Route): Operation['responses'][string] {
  const [description, ...more] = ERRORS[status] ?? [];
  if (description === undefined) throw new RangeError(`nothing is written of status ${status}`);
  return {
    description,
    headers: headers(more),
    content: { 'application/json': { schema: reference(error) } },
  };
}

function headers(names: readonly (keyof typeof HEADERS)[]): object {
  const all = ['x-request-id', ...names];
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function reference(name: SchemaName): Reference {
  return { $ref: `#/components/schemas/${name}` };
}
