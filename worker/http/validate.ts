/** @module Validates parsed JSON, of a body or of a field whose value is JSON text. */
import * as z from 'zod';
import { ApiError, invalidRequest } from './errors.ts';
import { limitJsonValues } from './json-values.ts';
import { wellFormedJson } from './well-formed-json.ts';

/** Only the first issue is reported, so that a list of 100,000 wrong elements needs no 100,000 issues. */
export const FIRST_ISSUE: z.core.ParseContextInternal<z.core.$ZodIssue> = {
  reportInput: true,
  abortEarly: true,
};

/**
 * Validates a value below a field whose own schema leaves it open.
 * @param field its full name
 * @throws ApiError
 */
export function parsedIn<Schema extends z.ZodType>(
  field: string,
  value: unknown,
  schema: Schema,
): z.output<Schema> {
  const result = schema.safeParse(value, FIRST_ISSUE);
  if (result.success) return result.data;
  const path = field.split('.');
  const issues = result.error.issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] }));
  throw invalidRequest(new z.ZodError(issues));
}

/**
 * Parses and validates JSON that is the text of a field.
 * @param field its full name
 * @throws ApiError
 */
export function parsedText<Schema extends z.ZodType>(
  field: string,
  text: string,
  schema: Schema,
): z.output<Schema> {
  limitJsonValues(new TextEncoder().encode(text), `'${field}'`);
  let value: unknown;
  try {
    value = JSON.parse(wellFormedJson(text));
  } catch (error) {
    const reason = error instanceof SyntaxError ? `: ${error.message}` : '';
    throw new ApiError(400, `'${field}' is not valid JSON${reason}`, { param: field, code: 'invalid_value' });
  }
  refusePrototypeKey(text, value);
  return parsedIn(field, value, schema);
}

/**
 * Refuses `__proto__` as a key at any depth: schemas would ignore it silently.
 * @param text of the value
 * @throws ApiError
 */
export function refusePrototypeKey(text: string, value: unknown): void {
  if (!/__proto__|\\u/.test(text) || !hasPrototypeKey(value)) return;
  const param = '__proto__';
  throw new ApiError(400, `'${param}' is not a supported field`, { param, code: 'unsupported_field' });
}

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
