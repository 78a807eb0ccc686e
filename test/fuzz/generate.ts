/** @module Random values of a JSON Schema, as far as the OpenAPI document uses it. */
import type { JsonSchema } from '../../worker/openapi/types.ts';
import type { Draw } from '../support/draw.ts';
import { oddNumber, text } from './values.ts';

type Node = JsonSchema | boolean | undefined;
type Schemas = Readonly<Record<string, JsonSchema>>;

/** Integers without a smaller bound are mostly token ids. */
const LARGEST_TOKEN = 8191;
const MAX_OPTIONAL_FIELDS = 5;
const MAX_ELEMENTS = 4;

/** A value that mostly matches the schema. */
export function generate(draw: Draw, schema: Node, schemas: Schemas): unknown {
  if (typeof schema !== 'object') return null;
  const { $ref, anyOf, allOf, properties, examples } = schema;
  // Random values are hardly ever a schema, an expression or a grammar.
  if (examples && draw.chance(0.6)) return structuredClone(draw.pick(examples));
  if ($ref) return generate(draw, schemas[$ref.replace('#/components/schemas/', '')], schemas);
  if (anyOf) return generate(draw, draw.pick(anyOf as JsonSchema[]), schemas);
  if (allOf && !properties) return generate(draw, draw.pick(allOf as JsonSchema[]), schemas);
  if ('const' in schema) return schema.const;
  if (schema.enum) return draw.pick(schema.enum as unknown[]);
  switch (typeOf(draw, schema)) {
    case 'boolean':
      return draw.chance(0.5);
    case 'integer':
      return number(draw, schema, true);
    case 'number':
      return number(draw, schema, false);
    case 'string':
      return text(draw);
    case 'array':
      return array(draw, schema, schemas);
    case 'object':
      return object(draw, schema, schemas);
    default:
      return null;
  }
}

function typeOf(draw: Draw, { type }: JsonSchema): string | undefined {
  // zod's type says one type; the document has lists of them, with null.
  const types: readonly (string | undefined)[] = Array.isArray(type) ? type : [type];
  const others = types.filter((name) => name !== 'null');
  const isNull = others.length === 0 || (others.length < types.length && draw.chance(0.05));
  return isNull ? 'null' : draw.pick(others);
}

function number(draw: Draw, schema: JsonSchema, whole: boolean): number {
  if (draw.chance(0.05)) return oddNumber(draw);
  const low = [schema.minimum, schema.exclusiveMinimum].find(isNumber) ?? (whole ? 0 : -2);
  const high = [schema.maximum, schema.exclusiveMaximum].find(isNumber) ?? (whole ? LARGEST_TOKEN : 5);
  const minimum = Math.max(low, -LARGEST_TOKEN);
  const maximum = Math.max(minimum, Math.min(high, LARGEST_TOKEN));
  if (draw.chance(0.15)) return draw.pick([low, high, schema.default ?? low].filter(isNumber));
  if (!whole) return minimum + (maximum - minimum) * draw.pick([0.01, 0.1, 0.25, 0.5, 0.9, 0.99]);
  // Small numbers far more often: many fields count something.
  return draw.integer(minimum, draw.chance(0.6) ? Math.min(maximum, minimum + 6) : maximum);
}

const isNumber = (value: unknown): value is number => typeof value === 'number';

function array(draw: Draw, schema: JsonSchema, schemas: Schemas): unknown[] {
  const { prefixItems, items, minItems = 0, maxItems = MAX_ELEMENTS } = schema;
  if (prefixItems) return prefixItems.map((item) => generate(draw, item as JsonSchema, schemas));
  const length = draw.integer(minItems, Math.max(minItems, Math.min(maxItems, MAX_ELEMENTS)));
  return Array.from({ length }, () => generate(draw, items as JsonSchema, schemas));
}

function object(draw: Draw, schema: JsonSchema, schemas: Schemas): Record<string, unknown> {
  const { properties, required = [], additionalProperties } = schema;
  if (!properties) {
    if (typeof additionalProperties !== 'object') return {};
    const length = draw.integer(0, MAX_ELEMENTS);
    const entry = () => [
      String(draw.integer(0, LARGEST_TOKEN)),
      generate(draw, additionalProperties, schemas),
    ];
    return Object.fromEntries(Array.from({ length }, entry));
  }
  const optional = Object.keys(properties).filter((name) => !required.includes(name));
  const chosen = draw.shuffled(optional).slice(0, draw.integer(0, MAX_OPTIONAL_FIELDS));
  const entries = [...required, ...chosen].map((name) => [name, generate(draw, properties[name], schemas)]);
  return Object.fromEntries(entries);
}
