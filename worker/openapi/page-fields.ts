/** @module A schema's fields as rows of a table, with their full paths and their types in words. */
import type { JsonSchema } from './types.ts';

export interface Field {
  /** `choices[].text` */
  readonly name: string;
  /** In words, null included. */
  readonly type: string;
  /** Whether the enclosing object always has it. */
  readonly required: boolean;
  /** As JSON. */
  readonly byDefault?: string;
  readonly description: string;
}

type Node = JsonSchema | boolean | undefined;

/** The fields of an object, of a list's elements, of each alternative. */
export function fieldsOf(schema: Node, within = ''): Field[] {
  if (typeof schema !== 'object') return [];
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const name = within === '' ? key : `${within}.${key}`;
    return typeof value === 'object'
      ? [fieldOf(name, value, schema.required?.includes(key) ?? false), ...fieldsOf(value, name)]
      : [];
  });
  const { items } = schema;
  const elements = Array.isArray(items) ? [] : fieldsOf(items, `${within}[]`);
  return [...own, ...elements, ...merged((schema.anyOf ?? []).map((one) => fieldsOf(one, within)))];
}

function fieldOf(name: string, schema: JsonSchema, required: boolean): Field {
  const byDefault = 'default' in schema && { byDefault: JSON.stringify(schema.default) };
  return { name, type: typeOf(schema), required, ...byDefault, description: schema.description ?? '' };
}

/** Each field of several alternatives once; it is required if all alternatives that have fields require it. */
function merged(alternatives: readonly (readonly Field[])[]): Field[] {
  const some = alternatives.filter((fields) => fields.length > 0);
  const byName = Map.groupBy(some.flat(), ({ name }) => name);
  return [...byName.values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const required = same.length === some.length && same.every((field) => field.required);
    return [{ ...first, type: [...new Set(same.map(({ type }) => type))].join(' or '), required }];
  });
}

/** In words. */
export function typeOf(schema: Node): string {
  if (typeof schema !== 'object') return 'anything';
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' or ');
  if (Array.isArray(schema.type)) {
    return schema.type
      .map((type: JsonSchema['type']) => typeOf({ ...schema, ...(type && { type }) }))
      .join(' or ');
  }
  const { type } = schema;
  if (type === 'array') return listOf(schema);
  if (type === 'string') return `string${bounds(schema.minLength, schema.maxLength, ' characters')}`;
  if (type === 'integer' || type === 'number') return numeric(type, schema);
  return type ?? 'anything';
}

function listOf({ items, prefixItems, minItems, maxItems }: JsonSchema): string {
  if (prefixItems) return `[${prefixItems.map(typeOf).join(', ')}]`;
  if (typeof items !== 'object' || Array.isArray(items)) return 'list';
  return items.not ? 'empty list' : `list of ${typeOf(items)}${bounds(minItems, maxItems, ' elements')}`;
}

function numeric(type: string, schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  const range = [
    finite(exclusiveMinimum) ?? finite(minimum),
    finite(exclusiveMaximum) ?? finite(maximum),
  ] as const;
  const [least, most] = range;
  const parts = [
    ...(least === undefined ? [] : [`${finite(exclusiveMinimum) === undefined ? 'from' : 'above'} ${least}`]),
    ...(most === undefined ? [] : [`${finite(exclusiveMaximum) === undefined ? 'to' : 'below'} ${most}`]),
  ];
  return [type === 'integer' ? 'whole number' : 'number', ...parts].join(' ');
}

/** The bounds of JavaScript's safe integers are not worth showing. */
function finite(bound: unknown): number | undefined {
  return typeof bound === 'number' && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined;
}

function bounds(least: number | undefined, most: number | undefined, of: string): string {
  if (most !== undefined) return ` (${least ?? 0} to ${most}${of})`;
  return least === undefined || least === 0
    ? ''
    : ` (at least ${least}${of.replace(/s$/, least === 1 ? '' : 's')})`;
}
