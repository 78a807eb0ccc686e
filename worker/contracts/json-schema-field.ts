/** @module Fields of a request whose value is a JSON schema: an object, or its JSON text. */
import * as z from 'zod';
import { parsedText } from '../http/validate.ts';

/** Every keyword is the compiler's to judge. */
export const jsonSchemaObject = z.record(z.string(), z.unknown());

export const jsonSchemaOrText = z.union([jsonSchemaObject, z.string()], {
  error: 'must be a JSON schema: an object, or its JSON text',
});

/**
 * OpenAI's envelope of a schema, with the names that the compiler does not need. Nulls in a schema are values, so
 * the envelope has not lost its own.
 */
export const namedSchema = z.strictObject({
  name: z.string().nullish().describe('No effect on the text.'),
  description: z.string().nullish().describe('No effect on the text.'),
  strict: z.boolean().nullish().describe('No effect: a schema is always held exactly.'),
  schema: jsonSchemaObject.describe('The JSON schema of the text.'),
});

/**
 * The schema in a field.
 * @param field its full name in the request, for error messages
 * @throws ApiError if its text is not JSON, or not that of an object
 */
export function schemaIn(field: string, value: z.output<typeof jsonSchemaOrText>): unknown {
  return withoutBigints(typeof value === 'string' ? parsedText(field, value, jsonSchemaObject) : value);
}

/**
 * The schema with doubles for the whole numbers that kept their digits because their key is that of a seed
 * (`parseJson`). Changes it in place.
 */
function withoutBigints(schema: object): object {
  const containers = [schema as Record<string, unknown>];
  // The loop also visits the containers that it pushes.
  for (const container of containers) {
    for (const [key, value] of Object.entries(container)) {
      if (typeof value === 'bigint') container[key] = Number(value);
      else if (typeof value === 'object' && value !== null) containers.push(value as Record<string, unknown>);
    }
  }
  return schema;
}
