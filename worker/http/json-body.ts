/**
 * @module Parses and validates the JSON body of a request; an invalid one is a 4xx that names the problem.
 */
import type { Context } from 'hono';
import type { z } from 'zod';
import { ApiError, invalidRequest } from './errors.ts';
import { requestBody } from './request-body.ts';
import { wellFormedJson } from './well-formed-json.ts';

/**
 * @param clean preprocesses the body before validation; by default removes null fields
 * @throws ApiError
 */
export async function parsedBody<Schema extends z.ZodType>(
  c: Context,
  schema: Schema,
  clean: (body: unknown) => unknown = withoutNulls,
): Promise<z.output<Schema>> {
  const result = schema.safeParse(clean(await jsonBody(c)), { reportInput: true });
  if (!result.success) throw invalidRequest(result.error);
  return result.data;
}

/**
 * Removes null fields from an object: clients send `null` for omitted fields. Other values are returned
 * unchanged.
 */
export function withoutNulls(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

/** @throws ApiError */
async function jsonBody(c: Context): Promise<unknown> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new ApiError(415, `The content type must be application/json, it is '${type}'`, {
      code: 'unsupported_media_type',
    });
  }
  const text = utf8(await requestBody(c));
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
    return JSON.parse(wellFormedJson(text));
  } catch (error) {
    const reason = error instanceof SyntaxError ? `: ${error.message}` : '';
    throw new ApiError(400, `The request body is not valid JSON${reason}`, { code: 'invalid_json' });
  }
}

/** Whether `__proto__` is a key at any depth. Schemas would ignore it silently. */
function hasPrototypeKey(body: unknown): boolean {
  const values = [body];
  // The loop also visits the values that it pushes.
  for (const value of values) {
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) return true;
    for (const inner of Object.values(value)) values.push(inner);
  }
  return false;
}

/** JSON between systems is UTF-8 (RFC 8259, 8.1); a byte order mark may be ignored. */
function utf8(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new ApiError(400, 'The request body is not valid UTF-8, which JSON must be', {
      code: 'invalid_encoding',
    });
  }
}
