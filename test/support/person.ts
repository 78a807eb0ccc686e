/** @module The form of an answer that the client tests ask for, as its caller writes it: a schema of zod. */
import * as z from 'zod';

export const Person = z.strictObject({
  name: z.string().min(1).max(12),
  age: z.int().min(0).max(120),
  pet: z.enum(['cat', 'dog']).nullable(),
});

export const PERSON_SCHEMA = z.toJSONSchema(Person);
/** Enough for the longest of its texts without much white space. */
export const PERSON_TOKENS = 80;
export const PETS = ['cat', 'dog', 'a small red bird'];
export const DATE = '\\d{4}-\\d{2}-\\d{2}';

/** @throws Error for a text that is not of the schema */
export const personIn = (text: string): z.output<typeof Person> => Person.parse(JSON.parse(text));
