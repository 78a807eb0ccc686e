/** @module The JSON body of a request, or a 4xx that says what it is instead. */
import type { Context } from 'hono';
import { ApiError } from './errors.ts';

/** @throws ApiError */
export async function jsonBody(c: Context): Promise<unknown> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new ApiError(415, `The content type must be application/json, it is '${type}'`, {
      code: 'unsupported_media_type',
    });
  }
  const text = utf8(await c.req.arrayBuffer());
  if (text.trim() === '') {
    throw new ApiError(400, 'The request body is empty: it is not valid JSON', { code: 'invalid_json' });
  }
  const body = parsed(text);
  if (/__proto__|\\u/.test(text) && hasPrototypeKey(body)) {
    const param = '__proto__';
    throw new ApiError(400, `'${param}' is not a supported field`, { param, code: 'unsupported_field' });
  }
  return body;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof SyntaxError ? `: ${error.message}` : '';
    throw new ApiError(400, `The request body is not valid JSON${why}`, { code: 'invalid_json' });
  }
}

/** Whether `__proto__` is a key somewhere, which schemas pass over in silence. */
function hasPrototypeKey(body: unknown): boolean {
  const values = [body];
  // Those that are added on the way are visited as well.
  for (const value of values) {
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) return true;
    for (const inner of Object.values(value)) values.push(inner);
  }
  return false;
}

/** JSON between systems is UTF-8 (RFC 8259, 8.1), of which a byte order mark may be passed over. */
function utf8(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new ApiError(400, 'The request body is not valid UTF-8, which JSON must be', {
      code: 'invalid_encoding',
    });
  }
}
