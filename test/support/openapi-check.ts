/**
 * @module Checks exchanges against the OpenAPI document. The validator generates no code, so it runs in
 * workerd too.
 */
import { type Schema, Validator } from '@cfworker/json-schema';
import type { Content, OpenApiDocument, Operation } from '../../worker/openapi/types.ts';

export interface Exchange {
  readonly method: string;
  /** Without host and query. */
  readonly path: string;
  readonly status: number;
  readonly contentType: string | null;
}

type SchemaOf = Content[string]['schema'];

/** Checks against one document. Each method throws an error that names the differences. */
export class OpenApiCheck {
  readonly #document: OpenApiDocument;
  readonly #patterns: readonly (readonly [RegExp, string])[];
  readonly #validators = new Map<SchemaOf, Validator>();

  constructor(document: OpenApiDocument) {
    this.#document = document;
    this.#patterns = Object.keys(document.paths).map((path) => [patternOf(path), path]);
  }

  /** @param body of a request that was answered with 200 */
  request({ method, path }: Pick<Exchange, 'method' | 'path'>, body: unknown): void {
    const schema = this.#operationOf(method, path)?.requestBody?.content['application/json'].schema;
    if (!schema) throw new Error(`${method} ${path} has no documented body`);
    this.#validate(schema, body, `the body of ${method} ${path}`);
  }

  /** @param body the complete body, as text */
  answer(exchange: Exchange, body: string): void {
    const { method, status, contentType } = exchange;
    if (method === 'HEAD' || method === 'OPTIONS') {
      if (body !== '') throw new Error(`${nameOf(exchange)} has a body`);
      if (method === 'OPTIONS' && status !== 204) throw new Error(`${nameOf(exchange)}: must be 204`);
      return;
    }
    const schema = this.#schemaOf(exchange);
    const value = mediaType(contentType) === 'application/json' ? JSON.parse(body) : body;
    this.#validate(schema, value, nameOf(exchange));
  }

  /** @param data of a server-sent event of an answer */
  event(exchange: Exchange, data: string): void {
    const schema = this.#schemaOf(exchange);
    if (data !== '[DONE]') this.#validate(schema, JSON.parse(data), `an event of ${nameOf(exchange)}`);
  }

  #schemaOf(exchange: Exchange): SchemaOf {
    const content = this.#contentOf(exchange);
    const type = mediaType(exchange.contentType);
    const described = content[type];
    if (!described) throw new Error(`${nameOf(exchange)}: ${type} is not documented`);
    return described.schema;
  }

  #contentOf(exchange: Exchange): Content {
    const { method, path, status } = exchange;
    const operation = this.#operationOf(method, path);
    if (operation) {
      const response = operation.responses[status];
      if (!response) throw new Error(`${nameOf(exchange)} is not documented`);
      return response.content;
    }
    // No such operation: the path has other methods, or does not exist.
    const other = this.#operationOf('get', path) ?? this.#operationOf('post', path);
    const expected = [other ? 405 : 404, 401, 429, 500];
    if (!expected.includes(status)) throw new Error(`${nameOf(exchange)}: must be ${expected.join(' or ')}`);
    const content = other?.responses[405]?.content;
    const name = path.startsWith('/ai/') ? 'RunError' : 'Error';
    return content ?? { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } };
  }

  #operationOf(method: string, path: string): Operation | undefined {
    const [, template] = this.#patterns.find(([pattern]) => pattern.test(path)) ?? [];
    const item = template === undefined ? undefined : this.#document.paths[template];
    const name = method.toLowerCase();
    return name === 'get' || name === 'post' ? item?.[name] : undefined;
  }

  #validate(schema: SchemaOf, value: unknown, subject: string): void {
    let validator = this.#validators.get(schema);
    if (!validator) {
      const whole = { ...schema, components: { schemas: this.#document.components.schemas } };
      validator = new Validator(whole as unknown as Schema, '2020-12', false);
      this.#validators.set(schema, validator);
    }
    const { valid, errors } = validator.validate(value);
    if (valid) return;
    const reasons = errors.map(({ instanceLocation, error }) => `  ${instanceLocation}: ${error}`).join('\n');
    throw new Error(`${subject} does not match the OpenAPI document:\n${reasons}\n${JSON.stringify(value)}`);
  }
}

/** A parameter may contain slashes, as in model names. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '.+')}$`);
}

function mediaType(contentType: string | null): string {
  return (contentType ?? 'none').replace(/\s*;.*/, '').toLowerCase();
}

function nameOf({ method, path, status }: Exchange): string {
  return `${method} ${path}, ${status}`;
}
