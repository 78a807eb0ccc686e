/**
 * @module Parses and validates the JSON body of a request; an invalid one is a 4xx that names the problem.
 */
import type { Context } from 'hono';
import type { z } from 'zod';
import type { AppEnv } from './env.ts';
import { ApiError, invalidRequest } from './errors.ts';
import { parseJson } from './exact-json.ts';
import { requestBody } from './request-body.ts';
import { wellFormedJson } from './well-formed-json.ts';

/** The fields, at any depth, whose whole numbers may have 64 bits. */
const EXACT_FIELDS: ReadonlySet<string> = new Set(['seed']);
/** More than any schema has: deeper objects are refused, so their nulls do not matter. */
const MAX_DEPTH = 8;

/**
 * Validates the body. `null` means omitted, in objects at any depth.
 * @param extend completes the body before validation
 * @throws ApiError
 */
export async function parsedBody<Schema extends z.ZodType>(
  c: Context<AppEnv>,
  schema: Schema,
  extend: (body: unknown) => unknown = (body) => body,
): Promise<z.output<Schema>> {
  const text = await jsonText(c);
  const result = schema.safeParse(extend(withoutNulls(jsonBody(text))), { reportInput: true });
  if (result.success) return result.data;
  throw invalidRequest(result.error, (path) =>
    valueAt(
      parseJson(text, () => true),
      path,
    ),
  );
}

/** Parses a lone value of a field, as in a query. @throws SyntaxError */
export function parseField(name: string, text: string): unknown {
  return parseJson(text, () => EXACT_FIELDS.has(name));
}

/** Removes null fields: clients send `null` for omitted ones. Nulls in lists remain, where they are values. */
function withoutNulls(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) {
    // Long lists are prompts of token ids.
    if (typeof value[0] !== 'object') return value;
    return value.map((element) => withoutNulls(element, depth + 1));
  }
  const entries = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(entries.map(([name, field]) => [name, withoutNulls(field, depth + 1)]));
}

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    return (value as Record<PropertyKey, unknown>)[key];
  }, body);
}

/** @throws ApiError */
async function jsonText(c: Context<AppEnv>): Promise<string> {
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
  return text;
}

/** @throws ApiError */
function jsonBody(text: string): unknown {
  const body = parsed(text);
  if (/__proto__|\\u/.test(text) && hasPrototypeKey(body)) {
    const param = '__proto__';
    throw new ApiError(400, `'${param}' is not a supported field`, { param, code: 'unsupported_field' });
  }
  return body;
}

function parsed(text: string): unknown {
  try {
    return parseJson(wellFormedJson(text), (key) => EXACT_FIELDS.has(key));
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
function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new ApiError(400, 'The request body is not valid UTF-8, which JSON must be', {
      code: 'invalid_encoding',
    });
  }
}
