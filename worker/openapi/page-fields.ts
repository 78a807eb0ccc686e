/** @module The fields of a JSON schema as table rows, with full paths and readable types. */
import type { JsonSchema } from './types.ts';

export interface Field {
  /** The full path, such as `choices[].text`. */
  readonly name: string;
  /** Readable, including null. */
  readonly type: string;
  /** Whether the enclosing object always has it. */
  readonly required: boolean;
  /** The default value as JSON. */
  readonly byDefault?: string;
  readonly description: string;
}

type Node = JsonSchema | boolean | undefined;

/** The fields of an object, of the elements of a list, and of each alternative, recursively. */
export function fieldsOf(schema: Node, parent = ''): Field[] {
  if (typeof schema !== 'object') return [];
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const name = parent === '' ? key : `${parent}.${key}`;
    return typeof value === 'object'
      ? [fieldOf(name, value, schema.required?.includes(key) ?? false), ...fieldsOf(value, name)]
      : [];
  });
  const { items } = schema;
  const elements = Array.isArray(items) ? [] : fieldsOf(items, `${parent}[]`);
  return [
    ...own,
    ...elements,
    ...merged((schema.anyOf ?? []).map((alternative) => fieldsOf(alternative, parent))),
  ];
}

function fieldOf(name: string, schema: JsonSchema, required: boolean): Field {
  const byDefault = 'default' in schema && { byDefault: JSON.stringify(schema.default) };
  return { name, type: typeOf(schema), required, ...byDefault, description: schema.description ?? '' };
}

/**
 * Merges the fields of alternatives by name. A field is required if every alternative with fields requires
 * it.
 */
function merged(alternatives: readonly (readonly Field[])[]): Field[] {
  const objects = alternatives.filter((fields) => fields.length > 0);
  const byName = Map.groupBy(objects.flat(), ({ name }) => name);
  return [...byName.values()].flatMap((sameName) => {
    const [first] = sameName;
    if (!first) return [];
    const required = sameName.length === objects.length && sameName.every((field) => field.required);
    return [{ ...first, type: [...new Set(sameName.map(({ type }) => type))].join(' or '), required }];
  });
}

/** A readable type, such as `whole number from 0 to 5`. */
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
  const [min, max] = range;
  const parts = [
    ...(min === undefined ? [] : [`${finite(exclusiveMinimum) === undefined ? 'from' : 'above'} ${min}`]),
    ...(max === undefined ? [] : [`${finite(exclusiveMaximum) === undefined ? 'to' : 'below'} ${max}`]),
  ];
  return [type === 'integer' ? 'whole number' : 'number', ...parts].join(' ');
}

/** Omits the bounds of JavaScript's safe integers, which zod adds to every integer. */
function finite(bound: unknown): number | undefined {
  return typeof bound === 'number' && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined;
}

function bounds(min: number | undefined, max: number | undefined, unit: string): string {
  if (max !== undefined) return ` (${min ?? 0} to ${max}${unit})`;
  return min === undefined || min === 0
    ? ''
    : ` (at least ${min}${unit.replace(/s$/, min === 1 ? '' : 's')})`;
}
