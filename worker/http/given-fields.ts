/** @module The fields that a request gives, which its parsed form cannot tell from defaults. */
import type { Context } from 'hono';
import type { z } from 'zod';
import type { AppEnv } from './env.ts';
import { type BodyOptions, parsedBody } from './json-body.ts';

/**
 * Validates the body, like `parsedBody`.
 * @param objectOf the object of the body whose fields count
 * @returns also the names of the fields
 * @throws ApiError
 */
export async function parsedWithGiven<Schema extends z.ZodType>(
  c: Context<AppEnv>,
  schema: Schema,
  { extend = (body) => body, ...options }: BodyOptions = {},
  objectOf: (body: unknown) => unknown = (body) => body,
): Promise<{ readonly request: z.output<Schema>; readonly given: ReadonlySet<string> }> {
  let given: ReadonlySet<string> = new Set();
  const request = await parsedBody(c, schema, {
    ...options,
    extend(body) {
      const extended = extend(body);
      given = namesIn(objectOf(extended));
      return extended;
    },
  });
  return { request, given };
}

const namesIn = (value: unknown): ReadonlySet<string> =>
  new Set(typeof value === 'object' && value !== null ? Object.keys(value) : []);
