/** @module Constraints under the names of each contract, each with a judge that shares no code with its compiler. */
import { type Schema, Validator } from '@cfworker/json-schema';

export interface Constrained {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Whether a whole text has the form. */
  readonly accepts: (text: string) => boolean;
}

export const CHOICES = ['happy', 'sad', 'a little afraid'];
export const DATE = '(?:19|20)\\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])';
/** Llama.cpp's notation, with a rule that refers to itself. */
export const LISTS = 'root ::= "[" (item ("," item)*)? "]"\nitem ::= root | [0-9]';
export const PERSON = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 8 },
    age: { type: 'integer', minimum: 0, maximum: 120 },
    pets: { type: 'array', items: { enum: ['cat', 'dog'] }, maxItems: 2 },
  },
  required: ['name', 'age'],
  additionalProperties: false,
};

const oneOf = (text: string) => CHOICES.includes(text);
const isDate = (text: string) => new RegExp(`^${DATE}$`).test(text);

function isLists(text: string): boolean {
  try {
    // Single digits are JSON, and so are lists of them.
    return /^[[\],\d]*$/.test(text) && !/\d\d/.test(text) && Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

/** Whether a text is JSON that the schema accepts. */
export function isJsonOf(schema: object, text: string): boolean {
  try {
    return new Validator(schema as Schema, '2020-12').validate(JSON.parse(text)).valid;
  } catch {
    return false;
  }
}

const isPerson = (text: string) => isJsonOf(PERSON, text);
const isObject = (text: string) => isJsonOf({ type: 'object' }, text);

const TEXT = JSON.stringify(PERSON);

/** Of `/v1/completions`. */
export const COMPLETIONS: readonly Constrained[] = [
  { fields: { structured_outputs: { choice: CHOICES } }, accepts: oneOf },
  { fields: { guided_choice: CHOICES }, accepts: oneOf },
  { fields: { structured_outputs: { grammar: LISTS } }, accepts: isLists },
  { fields: { guided_grammar: LISTS }, accepts: isLists },
  { fields: { grammar: LISTS }, accepts: isLists },
  { fields: { ebnf: LISTS }, accepts: isLists },
  { fields: { structured_outputs: { regex: DATE } }, accepts: isDate },
  { fields: { guided_regex: DATE, guided_decoding_backend: 'auto' }, accepts: isDate },
  { fields: { regex: DATE }, accepts: isDate },
  { fields: { grammar: { type: 'regex', value: DATE } }, accepts: isDate },
  { fields: { response_format: { type: 'json_object' } }, accepts: isObject },
  { fields: { structured_outputs: { json_object: true } }, accepts: isObject },
  {
    fields: {
      response_format: { type: 'json_schema', json_schema: { name: 'p', strict: null, schema: PERSON } },
    },
    accepts: isPerson,
  },
  { fields: { response_format: { type: 'json_object', schema: PERSON } }, accepts: isPerson },
  { fields: { structured_outputs: { json: PERSON } }, accepts: isPerson },
  { fields: { structured_outputs: { json: TEXT } }, accepts: isPerson },
  { fields: { guided_json: PERSON }, accepts: isPerson },
  { fields: { guided_json: TEXT }, accepts: isPerson },
  { fields: { json_schema: PERSON }, accepts: isPerson },
  { fields: { json_schema: TEXT }, accepts: isPerson },
  { fields: { grammar: { type: 'json', value: PERSON } }, accepts: isPerson },
  // A null in a schema is a value, and no omitted field.
  { fields: { json_schema: { const: null } }, accepts: (text) => text === 'null' },
];

/** Of TGI's `parameters`. */
export const TGI: readonly Constrained[] = [
  { fields: { grammar: { type: 'regex', value: DATE } }, accepts: isDate },
  { fields: { grammar: { type: 'json', value: PERSON } }, accepts: isPerson },
  { fields: { grammar: { type: 'json', value: TEXT } }, accepts: isPerson },
  { fields: { grammar: { type: 'json_schema', value: { name: 'p', schema: PERSON } } }, accepts: isPerson },
];

export const WORKERS_AI: readonly Constrained[] = [
  { fields: { response_format: { type: 'json_object' } }, accepts: isObject },
  { fields: { response_format: { type: 'json_schema', json_schema: PERSON } }, accepts: isPerson },
  {
    fields: { response_format: { type: 'json_schema', json_schema: { name: 'p', schema: PERSON } } },
    accepts: isPerson,
  },
];
