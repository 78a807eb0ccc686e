/** @module Reads the values of keywords. A malformed value is an error that names keyword, value and place. */
import { ConstraintError } from '../automaton/errors.ts';
import type { Keyword } from './values.ts';

export type SchemaObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns the JSON pointer of a member of what is at `place` */
export function join(place: string, key: string | number): string {
  const text = String(key);
  return `${place}/${/[~/]/.test(text) ? text.replaceAll('~', '~0').replaceAll('/', '~1') : text}`;
}

export function malformed(keyword: string, place: string, value: unknown, expected: string): ConstraintError {
  return new ConstraintError(`"${keyword}" must be ${expected}, found ${shown(value)}`, join(place, keyword));
}

export function unsupported({ name, place }: Keyword, what: string): ConstraintError {
  return new ConstraintError(`"${name}" is not supported here: it needs ${what}`, place);
}

/** A value in an error, of bounded length. */
export function shown(value: unknown): string {
  const text =
    typeof value === 'object' && value !== null
      ? Array.isArray(value)
        ? `an array of ${value.length}`
        : 'an object'
      : String(JSON.stringify(value));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** @returns undefined if the keyword is absent */
export function readNumber(schema: SchemaObject, keyword: string, place: string): number | undefined {
  const value = own(schema, keyword);
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw malformed(keyword, place, value, 'a number');
  return value;
}

export function readCount(schema: SchemaObject, keyword: string, place: string): number | undefined {
  const value = readNumber(schema, keyword, place);
  if (value !== undefined && (!Number.isInteger(value) || value < 0))
    throw malformed(keyword, place, value, 'an integer of at least 0');
  return value;
}

export function readString(schema: SchemaObject, keyword: string, place: string): string | undefined {
  const value = own(schema, keyword);
  if (value !== undefined && typeof value !== 'string') throw malformed(keyword, place, value, 'a string');
  return value as string | undefined;
}

export function readBoolean(schema: SchemaObject, keyword: string, place: string): boolean | undefined {
  const value = own(schema, keyword);
  if (value !== undefined && typeof value !== 'boolean') throw malformed(keyword, place, value, 'a boolean');
  return value as boolean | undefined;
}

export function readObject(schema: SchemaObject, keyword: string, place: string): SchemaObject | undefined {
  const value = own(schema, keyword);
  if (value === undefined) return undefined;
  if (!isObject(value)) throw malformed(keyword, place, value, 'an object');
  return value;
}

export function readList(
  schema: SchemaObject,
  keyword: string,
  place: string,
): readonly unknown[] | undefined {
  const value = own(schema, keyword);
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw malformed(keyword, place, value, 'an array');
  return value;
}

export function readNames(schema: SchemaObject, keyword: string, place: string): string[] | undefined {
  const list = readList(schema, keyword, place);
  return list && checkNames(list, keyword, place);
}

/** @throws ConstraintError unless all are strings */
export function checkNames(list: readonly unknown[], keyword: string, place: string): string[] {
  return list.map((name) => {
    if (typeof name !== 'string') throw malformed(keyword, place, list, 'an array of strings');
    return name;
  });
}

/** The keyword's value; undefined if it is absent. */
export function own(schema: SchemaObject, keyword: string): unknown {
  return Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
}
