/**
 * @module The base path of a deployment: where the app is mounted in another one, or the path of the Worker's route in
 * a zone. Routes, and `c.req.path`, are below it.
 */
import { getPath } from 'hono/utils/url';
import { CALLER } from './caller.ts';
import type { Bindings } from './env.ts';

/** Begins with a slash and ends with none; empty at the root, and for callers that are not HTTP's. */
export function basePathOf({ BASE_PATH = '', [CALLER]: caller }: Partial<Bindings>): string {
  if (caller) return '';
  const path = BASE_PATH.replace(/^\/+|\/+$/g, '');
  return path === '' ? '' : `/${path}`;
}

/** The path of a request below the base path. One that is not below it stays as it is: an app above has cut it off. */
export function pathBelow(base: string, request: Request): string {
  const path = getPath(request);
  if (path === base) return '/';
  return path.startsWith(`${base}/`) ? path.slice(base.length) : path;
}

/** The path as the client requested it. */
export const requestedPath = ({ raw }: { readonly raw: Request }): string => getPath(raw);
