/** @module `GET /openapi.json`. */
import { Hono } from 'hono';
import type { AppEnv } from '../bindings.ts';
import { openApiDocument } from '../openapi/document.ts';

let document: object | undefined;

export const openapi = new Hono<AppEnv>().get('/', (c) => {
  // Made when it is first asked for: a Worker that starts has little time.
  document ??= openApiDocument();
  return c.json(document);
});
