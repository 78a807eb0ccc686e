/** @module The one constraint of a request, from the fields of each contract. */
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  completionConstraint,
  tgiConstraint,
  workersAiConstraint,
  workersAiConstraintFields,
} from '../../../../worker/contracts/constraint-fields.ts';
import { completionSchema } from '../../../../worker/contracts/openai/schema.ts';
import { parametersSchema } from '../../../../worker/contracts/tgi/schema.ts';
import { runSchema } from '../../../../worker/contracts/workers-ai/schema.ts';
import { ApiError } from '../../../../worker/http/errors.ts';
import { parsedIn } from '../../../../worker/http/validate.ts';

const SCHEMA = { type: 'object', properties: { b: { const: null }, a: {} } };
const TEXT = JSON.stringify(SCHEMA);
const JSON_SCHEMA = { type: 'json_schema', schema: SCHEMA };
const CHOICE = { type: 'choice', choices: ['a', 'b'] };
const REGEX = { type: 'regex', pattern: 'a+' };
const GRAMMAR = { type: 'grammar', grammar: 'root ::= "a"' };
const OBJECT = { type: 'json_object' };

type Fields = Record<string, unknown>;

const inCompletion = (fields: Fields) => completionConstraint(parsedIn('', fields, completionSchema));
const inTgi = (grammar: unknown) => tgiConstraint(parsedIn('', { grammar }, parametersSchema));
const inWorkersAi = (response_format: unknown) =>
  workersAiConstraint(parsedIn('', { prompt: 'a', response_format }, runSchema));

/** The field that an error names, and its message. */
function faultOf(run: () => unknown): [param: string | undefined, message: string] {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiError) return [error.details.param?.replace(/^\./, ''), error.message];
    throw error;
  }
  return expect.fail('expected an ApiError');
}

describe('/v1/completions', () => {
  it.each<[Fields, string, object]>([
    [{ response_format: { type: 'json_object' } }, 'response_format', OBJECT],
    [{ response_format: { type: 'json_object', schema: {} } }, 'response_format', OBJECT],
    [{ response_format: { type: 'json_object', schema: SCHEMA } }, 'response_format.schema', JSON_SCHEMA],
    [
      { response_format: { type: 'json_schema', json_schema: { schema: SCHEMA } } },
      'response_format.json_schema.schema',
      JSON_SCHEMA,
    ],
    [
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'a', description: null, strict: false, schema: SCHEMA },
        },
      },
      'response_format.json_schema.schema',
      JSON_SCHEMA,
    ],
    [{ structured_outputs: { choice: ['a', 'b'] } }, 'structured_outputs.choice', CHOICE],
    [{ structured_outputs: { regex: 'a+' } }, 'structured_outputs.regex', REGEX],
    [{ structured_outputs: { json: SCHEMA } }, 'structured_outputs.json', JSON_SCHEMA],
    [{ structured_outputs: { json: TEXT } }, 'structured_outputs.json', JSON_SCHEMA],
    [{ structured_outputs: { json_object: true } }, 'structured_outputs.json_object', OBJECT],
    [{ structured_outputs: { grammar: GRAMMAR.grammar } }, 'structured_outputs.grammar', GRAMMAR],
    [
      { structured_outputs: { regex: 'a+', disable_any_whitespace: false, json_object: false } },
      'structured_outputs.regex',
      REGEX,
    ],
    [{ guided_choice: ['a', 'b'], guided_decoding_backend: 'auto' }, 'guided_choice', CHOICE],
    [{ guided_regex: 'a+' }, 'guided_regex', REGEX],
    [{ guided_json: SCHEMA }, 'guided_json', JSON_SCHEMA],
    [{ guided_json: TEXT }, 'guided_json', JSON_SCHEMA],
    [{ guided_grammar: GRAMMAR.grammar }, 'guided_grammar', GRAMMAR],
    [{ grammar: GRAMMAR.grammar }, 'grammar', GRAMMAR],
    [{ grammar: { type: 'regex', value: 'a+' } }, 'grammar.value', REGEX],
    [{ grammar: { type: 'json', value: SCHEMA } }, 'grammar.value', JSON_SCHEMA],
    [{ json_schema: SCHEMA }, 'json_schema', JSON_SCHEMA],
    [{ json_schema: TEXT }, 'json_schema', JSON_SCHEMA],
    [{ json_schema: {} }, 'json_schema', { type: 'json_schema', schema: {} }],
    [{ regex: 'a+', response_format: { type: 'text' } }, 'regex', REGEX],
    [{ regex: '' }, 'regex', { type: 'regex', pattern: '' }],
    [{ ebnf: GRAMMAR.grammar, grammar: '' }, 'ebnf', GRAMMAR],
  ])('reads %j', (fields, field, source) => {
    expect(inCompletion(fields)).toEqual({ field, source });
  });

  it.each<Fields>([
    {},
    { response_format: { type: 'text' } },
    { structured_outputs: {} },
    { structured_outputs: { json_object: false, disable_additional_properties: false } },
    { grammar: '' },
    { guided_grammar: '', ebnf: '' },
    { guided_decoding_backend: 'auto' },
  ])('asks for nothing in %j', (fields) => {
    expect(inCompletion(fields)).toBeUndefined();
  });

  it('keeps the order of keys, and every digit that a double has', () => {
    const { source } = inCompletion({ guided_json: '{"properties":{"z":{},"a":{"const":0.1}}}' }) ?? {};
    expect(JSON.stringify(source)).toBe(
      '{"type":"json_schema","schema":{"properties":{"z":{},"a":{"const":0.1}}}}',
    );
  });

  it('has numbers and no bigints in a schema, whose key "seed" is that of a field', () => {
    const schema = { enum: [{ seed: 2n ** 60n }], const: { seed: 5 } };
    expect(inCompletion({ json_schema: schema })?.source).toEqual({
      type: 'json_schema',
      schema: { enum: [{ seed: 2 ** 60 }], const: { seed: 5 } },
    });
  });

  it.each<[Fields, string, string]>([
    [{ regex: 'a', grammar: 'b' }, 'regex', "'regex' must not be given beside 'grammar'"],
    [
      { guided_json: {}, response_format: { type: 'json_object' } },
      'guided_json',
      "'guided_json' must not be given beside 'response_format': a text has one constraint",
    ],
    [
      { structured_outputs: { choice: ['a'], regex: 'a' } },
      'structured_outputs.regex',
      "must not be given beside 'structured_outputs.choice'",
    ],
    [
      { response_format: { type: 'json_schema' } },
      'response_format.json_schema',
      "is missing: 'response_format.type' is json_schema",
    ],
    [
      { response_format: { type: 'json_schema', schema: {} } },
      'response_format.schema',
      "must not be given where 'response_format.type' is json_schema",
    ],
    [
      { response_format: { type: 'text', json_schema: { schema: {} } } },
      'response_format.json_schema',
      "must not be given where 'response_format.type' is text",
    ],
    [{ guided_json: '{"a":' }, 'guided_json', "'guided_json' is not valid JSON: Unexpected end"],
    [{ guided_json: '5' }, 'guided_json', "'guided_json' must be an object, not 5"],
    [{ guided_json: '{"a":{"__proto__":1}}' }, '__proto__', 'is not a supported field'],
    [{ grammar: { type: 'regex', value: {} } }, 'grammar.value', 'must be a string, not {}'],
    [
      { grammar: { type: 'json_schema', value: SCHEMA } },
      'grammar.value.schema',
      'is missing: it must be an object',
    ],
  ])('refuses %j', (fields, param, message) => {
    const [named, text] = faultOf(() => inCompletion(fields));
    expect(named).toBe(param);
    expect(text).toContain(message);
  });

  it('counts the values of a text before it is parsed', () => {
    const [, message] = faultOf(() => inCompletion({ json_schema: `[${'{},'.repeat(20_000)}{}]` }));
    expect(message).toMatch(/^'json_schema' has 180017 values, more than 160000/);
  });
});

describe('Text Generation Inference', () => {
  it.each<[unknown, string, object]>([
    [{ type: 'json', value: SCHEMA }, 'parameters.grammar.value', JSON_SCHEMA],
    [{ type: 'json', value: TEXT }, 'parameters.grammar.value', JSON_SCHEMA],
    [{ type: 'json_object', value: SCHEMA }, 'parameters.grammar.value', JSON_SCHEMA],
    [
      { type: 'json_schema', value: { name: null, schema: SCHEMA } },
      'parameters.grammar.value.schema',
      JSON_SCHEMA,
    ],
    [{ type: 'regex', value: 'a+' }, 'parameters.grammar.value', REGEX],
  ])('reads %j', (grammar, field, source) => {
    expect(inTgi(grammar)).toEqual({ field, source });
  });

  it('has no constraint without a grammar', () => {
    expect(inTgi(undefined)).toBeUndefined();
  });

  it('refuses a value of another type', () => {
    expect(faultOf(() => inTgi({ type: 'regex', value: {} }))).toEqual([
      'parameters.grammar.value',
      "'parameters.grammar.value' must be a string, not {}",
    ]);
  });
});

describe('Workers AI', () => {
  it.each<[unknown, string, object]>([
    [{ type: 'json_object' }, 'response_format', OBJECT],
    [{ type: 'json_schema' }, 'response_format', OBJECT],
    [{ type: 'json_schema', json_schema: SCHEMA }, 'response_format.json_schema', JSON_SCHEMA],
    [
      { type: 'json_schema', json_schema: { name: 'a', strict: true, schema: SCHEMA } },
      'response_format.json_schema.schema',
      JSON_SCHEMA,
    ],
    // A bare schema, although it has a key of the envelope.
    [
      { type: 'json_schema', json_schema: { description: 'd', type: 'object' } },
      'response_format.json_schema',
      { type: 'json_schema', schema: { description: 'd', type: 'object' } },
    ],
  ])('reads %j', (format, field, source) => {
    expect(inWorkersAi(format)).toEqual({ field, source });
  });

  it.each([undefined, { type: 'text' }])('asks for nothing in %j', (format) => {
    expect(inWorkersAi(format)).toBeUndefined();
  });

  it('refuses a schema beside json_object, and an envelope without an object', () => {
    expect(faultOf(() => inWorkersAi({ type: 'json_object', json_schema: SCHEMA }))).toEqual([
      'response_format.json_schema',
      "'response_format.json_schema' must not be given where 'response_format.type' is json_object",
    ]);
    expect(faultOf(() => inWorkersAi({ type: 'json_schema', json_schema: { schema: 5 } }))).toEqual([
      'response_format.json_schema.schema',
      "'response_format.json_schema.schema' must be an object, not 5",
    ]);
  });
});

/** The examples that the OpenAPI document has of the schema's own fields. */
function examplesOf(schema: z.ZodObject): Fields[] {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input' });
  return Object.entries(properties).flatMap(([name, field]) =>
    typeof field === 'object' ? (field.examples ?? []).map((example) => ({ [name]: example })) : [],
  );
}

it('has examples that are accepted', () => {
  const examples = examplesOf(completionSchema);
  expect(examples.length).toBeGreaterThan(15);
  for (const fields of examples) expect(inCompletion(fields)).toHaveProperty('source');
  const grammars = examplesOf(parametersSchema);
  for (const { grammar } of grammars) expect(inTgi(grammar)).toHaveProperty('source');
  const formats = examplesOf(z.strictObject(workersAiConstraintFields));
  for (const { response_format } of formats) expect(inWorkersAi(response_format)).toHaveProperty('source');
  expect([grammars.length, formats.length]).toEqual([2, 2]);
});
