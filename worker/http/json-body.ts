/**
 * @module Parses and validates the JSON body of a request; an invalid one is a 4xx that names the problem.
 */
import type { Context } from 'hono';
import type { z } from 'zod';
import type { FieldName } from '../../decoding/options/describe-issue.ts';
import type { AppEnv } from './env.ts';
import { ApiError, invalidRequest } from './errors.ts';
import { parseJson } from './exact-json.ts';
import { freeBytes } from './growing-bytes.ts';
import { limitJsonValues } from './json-values.ts';
import { requestBody } from './request-body.ts';
import { FIRST_ISSUE, refusePrototypeKey } from './validate.ts';
import { wellFormedJson } from './well-formed-json.ts';

/** The fields, at any depth, whose whole numbers may have 64 bits. */
const EXACT_FIELDS: ReadonlySet<string> = new Set(['seed']);
/** The fields, at any depth, that may hold a JSON schema: its nulls are values. */
const VERBATIM_FIELDS: ReadonlySet<string> = new Set([
  'guided_json',
  'json',
  'json_schema',
  'schema',
  'value',
]);
/** More than any schema has: deeper objects are refused, so their nulls do not matter. */
const MAX_DEPTH = 8;

export interface BodyOptions {
  /** Completes the body before validation. */
  extend?(body: unknown): unknown;
  /** The name of a field in error messages. Default: `a.0.b`. */
  nameOf?: FieldName;
}

/**
 * Validates the body. `null` means omitted, in objects at any depth but in JSON schemas.
 * @throws ApiError
 */
export async function parsedBody<Schema extends z.ZodType>(
  c: Context<AppEnv>,
  schema: Schema,
  { extend = (body) => body, nameOf }: BodyOptions = {},
): Promise<z.output<Schema>> {
  const text = await jsonText(c);
  const result = schema.safeParse(extend(withoutNulls(jsonBody(text))), FIRST_ISSUE);
  if (result.success) return result.data;
  const exactValue = (path: readonly PropertyKey[]) =>
    valueAt(
      parseJson(text, () => true),
      path,
    );
  throw invalidRequest(result.error, exactValue, nameOf);
}

/** Parses a lone value of a field, as in a query. @throws SyntaxError */
export function parseField(name: string, text: string): unknown {
  return parseJson(text, () => EXACT_FIELDS.has(name));
}

/**
 * Removes null fields in place: clients send `null` for omitted ones. Nulls in lists and in JSON schemas remain,
 * where they are values.
 */
function withoutNulls(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  // Long lists are prompts of token ids.
  if (Array.isArray(value) && typeof value[0] !== 'object') return value;
  const fields = value as Record<string, unknown>;
  for (const name of Object.keys(fields)) {
    if (fields[name] === null && !Array.isArray(value)) delete fields[name];
    else if (!VERBATIM_FIELDS.has(name)) withoutNulls(fields[name], depth + 1);
  }
  return value;
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
  const bytes = await requestBody(c);
  let text: string;
  try {
    limitJsonValues(bytes);
    text = utf8(bytes);
  } finally {
    // Nothing reads it again.
    freeBytes(bytes);
    c.set('bodyBytes', undefined);
  }
  if (text.trim() === '') {
    throw new ApiError(400, 'The request body is empty: it is not valid JSON', { code: 'invalid_json' });
  }
  return text;
}

/** @throws ApiError */
function jsonBody(text: string): unknown {
  const body = parsed(text);
  refusePrototypeKey(text, body);
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
