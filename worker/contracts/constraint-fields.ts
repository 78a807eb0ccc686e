/**
 * @module The fields that constrain a text to a form, under the names of each contract, and the one constraint that
 * a request asks for. docs/constraints.md describes them.
 */
import * as z from 'zod';
import { ApiError } from '../http/errors.ts';
import { parsedIn } from '../http/validate.ts';
import type { RequestedConstraint } from '../serving/request.ts';
import { jsonSchemaObject, jsonSchemaOrText, namedSchema, schemaIn } from './json-schema-field.ts';

type ConstraintSource = RequestedConstraint['source'];

const MAX_CHOICES = 1000;

const CITY = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const YES_OR_NO = ['yes', 'no'];
const DATE = '\\d{4}-\\d{2}-\\d{2}';
const GBNF = 'root ::= "yes" | "no"';

const choice = z
  .array(z.string().min(1))
  .min(1)
  .max(MAX_CHOICES)
  .meta({ examples: [YES_OR_NO] });
const regex = z.string().meta({ examples: [DATE] });
const gbnf = z.string().meta({ examples: [GBNF] });
const schema = jsonSchemaOrText.meta({ examples: [CITY, JSON.stringify(CITY)] });

const CHOICE = 'The text is one of these, exactly.';
const REGEX = 'The whole text matches this regular expression of JavaScript.';
const JSON_SCHEMA = 'The text is JSON that this schema accepts: an object, or its JSON text.';
const GRAMMAR = "The text is one of this grammar's root, in llama.cpp's GBNF.";

const tgiGrammar = z
  .strictObject({
    type: z
      .enum(['json', 'json_object', 'json_schema', 'regex'])
      .describe('What the value is: a schema (json, json_object), a named schema (json_schema), or a regex.'),
    value: z
      .union([z.record(z.string(), z.unknown()), z.string()], {
        error: 'must be a JSON schema (an object, or its JSON text) or a regular expression',
      })
      .describe('A JSON schema, its JSON text, an object with name and schema, or a regular expression.'),
  })
  .meta({
    examples: [
      { type: 'json', value: CITY },
      { type: 'regex', value: DATE },
    ],
  });

/** OpenAI's, vLLM's, llama.cpp's, SGLang's and, as `@huggingface/inference` sends it there, TGI's. */
export const completionConstraintFields = {
  response_format: z
    .strictObject({
      type: z.enum(['text', 'json_object', 'json_schema']).describe('text asks for nothing.'),
      json_schema: namedSchema.optional().describe('The schema, of the type json_schema.'),
      schema: jsonSchemaObject.optional().describe("llama.cpp's: the schema, of the type json_object."),
    })
    .optional()
    .describe('The text is a JSON object, or JSON that a schema accepts.')
    .meta({
      examples: [
        { type: 'json_object' },
        { type: 'json_schema', json_schema: { name: 'city', schema: CITY } },
        { type: 'json_object', schema: CITY },
      ],
    }),
  structured_outputs: z
    .strictObject({
      choice: choice.optional().describe(CHOICE),
      regex: regex.optional().describe(REGEX),
      json: schema.optional().describe(JSON_SCHEMA),
      json_object: z.boolean().optional().describe('The text is a JSON object.'),
      grammar: gbnf.optional().describe(GRAMMAR),
      disable_any_whitespace: z.literal(false).optional().describe('Not available: only false is accepted.'),
      disable_additional_properties: z
        .literal(false)
        .optional()
        .describe('Not available: only false is accepted. The schema says it.'),
    })
    .optional()
    .describe("vLLM's: the text has one of these forms.")
    .meta({ examples: [{ choice: YES_OR_NO }, { regex: DATE }, { json: CITY }, { json_object: true }] }),
  guided_choice: choice.optional().describe(`${CHOICE} From older versions of vLLM.`),
  guided_regex: regex.optional().describe(`${REGEX} From older versions of vLLM.`),
  guided_json: schema.optional().describe(`${JSON_SCHEMA} From older versions of vLLM.`),
  guided_grammar: gbnf.optional().describe(`${GRAMMAR} From older versions of vLLM.`),
  guided_decoding_backend: z.literal('auto').optional().describe('Only "auto" is accepted: there is one.'),
  grammar: z
    .union([z.string(), tgiGrammar], { error: "must be GBNF, or TGI's object of type and value" })
    .optional()
    .describe(`llama.cpp's: ${GRAMMAR} The empty text asks for nothing. Or TGI's object.`)
    .meta({ examples: [GBNF, { type: 'regex', value: DATE }] }),
  json_schema: schema.optional().describe(`llama.cpp's and SGLang's: ${JSON_SCHEMA}`),
  regex: regex.optional().describe(`SGLang's: ${REGEX}`),
  ebnf: gbnf.optional().describe(`SGLang's: ${GRAMMAR}`),
};

export const tgiConstraintFields = {
  grammar: tgiGrammar.optional().describe('The form of the text: JSON that a schema accepts, or a regex.'),
};

export const workersAiConstraintFields = {
  response_format: z
    .strictObject({
      type: z.enum(['text', 'json_object', 'json_schema']).describe('text asks for nothing.'),
      json_schema: jsonSchemaObject
        .optional()
        .describe("The schema, of the type json_schema; OpenAI's object of name and schema is accepted too."),
    })
    .optional()
    .describe('The text is a JSON object, or JSON that a schema accepts; streamed too.')
    .meta({ examples: [{ type: 'json_object' }, { type: 'json_schema', json_schema: CITY }] }),
};

const completionFields = z.object(completionConstraintFields);
const workersAiFields = z.object(workersAiConstraintFields);
type CompletionFields = z.output<typeof completionFields>;
type WorkersAiFields = z.output<typeof workersAiFields>;
type TgiGrammar = z.output<typeof tgiGrammar>;

/** @throws ApiError for more than one constraint, and for a malformed one */
export function completionConstraint(request: CompletionFields): RequestedConstraint | undefined {
  const { structured_outputs: outputs = {}, grammar } = request;
  return onlyOne([
    ...responseFormat(request.response_format),
    ...constraint('structured_outputs.choice', outputs.choice, choiceOf),
    ...constraint('structured_outputs.regex', outputs.regex, regexOf),
    ...constraint('structured_outputs.json', outputs.json, jsonOf),
    ...constraint('structured_outputs.json_object', outputs.json_object || undefined, anyObject),
    ...constraint('structured_outputs.grammar', outputs.grammar || undefined, grammarOf),
    ...constraint('guided_choice', request.guided_choice, choiceOf),
    ...constraint('guided_regex', request.guided_regex, regexOf),
    ...constraint('guided_json', request.guided_json, jsonOf),
    ...constraint('guided_grammar', request.guided_grammar || undefined, grammarOf),
    ...(typeof grammar === 'object' ? ofTgi('grammar', grammar) : []),
    ...(typeof grammar === 'string' ? constraint('grammar', grammar || undefined, grammarOf) : []),
    ...constraint('json_schema', request.json_schema, jsonOf),
    ...constraint('regex', request.regex, regexOf),
    ...constraint('ebnf', request.ebnf || undefined, grammarOf),
  ]);
}

/** @throws ApiError for a malformed constraint */
export function tgiConstraint({
  grammar,
}: {
  grammar?: TgiGrammar | undefined;
}): RequestedConstraint | undefined {
  return grammar && onlyOne(ofTgi('parameters.grammar', grammar));
}

/** @throws ApiError for a malformed constraint */
export function workersAiConstraint({ response_format }: WorkersAiFields): RequestedConstraint | undefined {
  if (!response_format || response_format.type === 'text') return undefined;
  const { type, json_schema } = response_format;
  const field = 'response_format.json_schema';
  if (type === 'json_object' && json_schema) throw misplaced(field, type);
  // workers-ai-provider sends no schema where the caller asks for any JSON.
  if (!json_schema) return { field: 'response_format', source: anyObject() };
  if (!isNamed(json_schema)) return { field, source: jsonOf(json_schema, field) };
  const named = parsedIn(field, json_schema, namedSchema);
  return { field: `${field}.schema`, source: jsonOf(named.schema, `${field}.schema`) };
}

/** Whether an object is OpenAI's envelope of a schema: `schema` is no keyword of JSON Schema. */
function isNamed(object: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(object);
  return names.includes('schema') && names.every((name) => name in namedSchema.shape);
}

function responseFormat(format: CompletionFields['response_format']): RequestedConstraint[] {
  if (!format) return [];
  const { type, json_schema, schema } = format;
  if (json_schema && type !== 'json_schema') throw misplaced('response_format.json_schema', type);
  if (schema && type !== 'json_object') throw misplaced('response_format.schema', type);
  if (type === 'text') return [];
  if (type === 'json_schema') {
    const field = 'response_format.json_schema';
    if (!json_schema) throw invalid(field, "is missing: 'response_format.type' is json_schema");
    return constraint(`${field}.schema`, json_schema.schema, jsonOf);
  }
  // An empty schema is llama.cpp's default, and any JSON object.
  const isEmpty = !schema || Object.keys(schema).length === 0;
  return isEmpty
    ? constraint('response_format', true, anyObject)
    : constraint('response_format.schema', schema, jsonOf);
}

function ofTgi(field: string, { type, value }: TgiGrammar): RequestedConstraint[] {
  const valueField = `${field}.value`;
  if (type === 'regex') return constraint(valueField, parsedIn(valueField, value, regex), regexOf);
  if (type !== 'json_schema') return constraint(valueField, value, jsonOf);
  const named = parsedIn(valueField, value, namedSchema);
  return constraint(`${valueField}.schema`, named.schema, jsonOf);
}

/** A list of one constraint, or of none where the value is undefined. */
function constraint<T>(
  field: string,
  value: T | undefined,
  sourceOf: (value: T, field: string) => ConstraintSource,
): RequestedConstraint[] {
  return value === undefined ? [] : [{ field, source: sourceOf(value, field) }];
}

const choiceOf = (choices: readonly string[]): ConstraintSource => ({ type: 'choice', choices });
const regexOf = (pattern: string): ConstraintSource => ({ type: 'regex', pattern });
const grammarOf = (grammar: string): ConstraintSource => ({ type: 'grammar', grammar });
const anyObject = (): ConstraintSource => ({ type: 'json_object' });
const jsonOf = (value: z.output<typeof jsonSchemaOrText>, field: string): ConstraintSource => ({
  type: 'json_schema',
  schema: schemaIn(field, value),
});

function onlyOne([first, second]: readonly RequestedConstraint[]): RequestedConstraint | undefined {
  if (!first || !second) return first;
  throw invalid(second.field, `must not be given beside '${first.field}': a text has one constraint`);
}

function misplaced(field: string, type: string): ApiError {
  return invalid(field, `must not be given where 'response_format.type' is ${type}`);
}

function invalid(param: string, fault: string): ApiError {
  return new ApiError(400, `'${param}' ${fault}`, { param, code: 'invalid_value' });
}
