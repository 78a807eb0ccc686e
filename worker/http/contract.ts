/**
 * @module An HTTP contract as one value: its routes with their schemas, its error shape, and which routes
 * need no key. The app, the OpenAPI document, error handling and the key check derive from the list of
 * contracts (`worker/contracts.ts`).
 */
import type { Handler, MiddlewareHandler } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { z } from 'zod';
import type { AppEnv } from './env.ts';
import type { ApiError } from './errors.ts';

/** A schema and its name in the OpenAPI document. */
export interface NamedSchema {
  readonly name: string;
  readonly schema: z.ZodType;
}

/**
 * The schema of an answer and its name in the OpenAPI document, which alone needs it: the schemas of all answers take
 * 0.4 MB, so their modules are imported with the first document.
 */
export interface AnswerSchema {
  readonly name: string;
  readonly schema: () => Promise<z.ZodType>;
}

export interface ErrorShape extends AnswerSchema {
  status(error: ApiError): ContentfulStatusCode;
  body(error: ApiError): object;
}

export interface Route {
  readonly method: 'get' | 'post';
  /** A path pattern of Hono. */
  readonly path: string;
  /** One line for the OpenAPI document. */
  readonly summary: string;
  readonly handler: Handler<AppEnv>;
  readonly middleware?: readonly MiddlewareHandler<AppEnv>[];
  /** `example` is a request that works with any model. */
  readonly request?: NamedSchema & { readonly example: object };
  readonly response?: AnswerSchema;
  /** One event of the route's stream, if it streams. */
  readonly event?: AnswerSchema;
  /** The content type of an answer without a schema. */
  readonly text?: string;
  /** Error statuses beside those that `openapi/document.ts` adds to every route. */
  readonly errors?: readonly number[];
  /** The route needs no key, even in a deployment with keys. */
  readonly open?: true;
}

export interface Contract {
  /** The tag of its routes in the OpenAPI document. */
  readonly name: string;
  readonly description: string;
  readonly errors: ErrorShape;
  readonly routes: readonly Route[];
  /** Unknown paths that begin with this get the contract's error shape too. */
  readonly prefix?: string;
}

/**
 * The contract whose error shape applies to a path: the first with a matching route or prefix, or else the
 * first.
 */
export function contractOf(contracts: readonly Contract[], path: string): Contract {
  const owner = contracts.find(
    ({ routes, prefix }) =>
      routes.some((route) => matches(route, path)) || (prefix !== undefined && path.startsWith(prefix)),
  );
  const contract = owner ?? contracts[0];
  if (!contract) throw new Error('there is no contract');
  return contract;
}

/**
 * Whether a request needs no key. A path whose routes are all open is open for every method, so a wrong
 * method gets a 405 there instead of a 401.
 */
export function isOpen(
  contracts: readonly Contract[],
  { method, path }: { readonly method: string; readonly path: string },
): boolean {
  const routes = contracts.flatMap((contract) => contract.routes.filter((route) => matches(route, path)));
  if (routes.length === 0) return false;
  const routeMethod = method === 'HEAD' ? 'get' : method.toLowerCase();
  return (
    routes.every(({ open }) => open) || routes.some((route) => route.open && route.method === routeMethod)
  );
}

/** Whether a path matches a route's pattern. Supports the parameters in use: `:name` and `:name{.+}`. */
function matches({ path: pattern }: Route, path: string): boolean {
  const parts = pattern.split(/(:\w+(?:\{[^}]*\})?)/);
  const source = parts.map((part) => {
    if (!part.startsWith(':')) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return /\{(.*)\}/.exec(part)?.[1] ?? '[^/]+';
  });
  return new RegExp(`^${source.join('')}$`).test(path);
}
