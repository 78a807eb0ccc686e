/** @module The JSON body of a request, or a 4xx that says what it is instead. */
import type { Context } from 'hono';
import { ApiError } from './errors.ts';

export async function jsonBody(c: Context): Promise<unknown> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new ApiError(415, `The content type must be application/json, it is '${type}'`, {
      code: 'unsupported_media_type',
    });
  }
  try {
    return await c.req.json();
  } catch {
    throw new ApiError(400, 'The request body is not valid JSON', { code: 'invalid_json' });
  }
}
