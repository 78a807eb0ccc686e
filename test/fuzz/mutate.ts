/** @module Mutations of JSON bodies, and of their text. */
import type { Draw } from '../support/draw.ts';
import { anyValue, oddNumber, oddString } from './values.ts';

type Container = Record<string, unknown> | unknown[];

const UNKNOWN_FIELDS = [
  'foo',
  'Temperature',
  'max_length',
  'suffix',
  'tools',
  'grammar',
  'response_format',
  '',
  'constructor',
  'toString',
  '😀',
  '\ud83d',
];

/** Changes the body in one or more places. @param body is not changed itself */
export function mutate<T>(draw: Draw, body: T): T {
  const copy = structuredClone(body);
  const times = draw.pick([1, 1, 1, 2, 3]);
  for (let i = 0; i < times; i++) {
    const containers = containersIn(copy);
    if (containers.length > 0) change(draw, draw.pick(containers));
  }
  return copy;
}

function containersIn(value: unknown): Container[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value as Container, ...Object.values(value).flatMap(containersIn)];
}

function change(draw: Draw, container: Container): void {
  const fields = container as Record<string, unknown>;
  const keys = Object.keys(container);
  const key = keys.length > 0 ? draw.pick(keys) : '0';
  draw.pick<() => void>([
    () => {
      fields[key] = anyValue(draw);
    },
    () => {
      fields[key] = typeof fields[key] === 'number' ? oddNumber(draw) : oddString(draw);
    },
    () => {
      fields[key] = null;
    },
    () => {
      fields[key] = [fields[key]];
    },
    () => {
      if (Array.isArray(container)) container.splice(0, 1);
      else delete fields[key];
    },
    () => {
      if (Array.isArray(container)) container.push(anyValue(draw));
      else fields[draw.pick(UNKNOWN_FIELDS)] = anyValue(draw);
    },
  ])();
}

/** A change of the JSON text, after which it is mostly no JSON or not UTF-8. */
export function mutateText(draw: Draw, json: string): string | Uint8Array<ArrayBuffer> {
  const at = draw.integer(0, json.length);
  const [before, after] = [json.slice(0, at), json.slice(at)];
  return draw.pick<() => string | Uint8Array<ArrayBuffer>>([
    () => before,
    () => `${before}${draw.pick(['"', '{', '}', ',', ':', '\\', '\0', '\n', '1', '\ud83d'])}${after}`,
    () =>
      json.replace(
        /-?\d+(\.\d+)?/,
        draw.pick(['1e999', '-1e999', '0x10', 'NaN', '01', '-0', '9'.repeat(40)]),
      ),
    () => json.replace('{', draw.pick(['{"__proto__":{"a":1},', '{"a":1,"a":2,', '{"\\u005f_proto__":1,'])),
    () => `\ufeff${json}`,
    () => `${json}${json}`,
    () => `[${json}]`,
    () => '['.repeat(draw.integer(1, 20_000)),
    () => draw.pick(['', ' ', 'null', '5', '"a"', '[]', '{}', 'true']),
    () => Uint8Array.from(json, (character) => character.charCodeAt(0) & 0xff),
    () =>
      new Uint8Array([...new TextEncoder().encode(before), 0xff, 0xc0, ...new TextEncoder().encode(after)]),
  ])();
}
