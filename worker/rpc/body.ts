/** @module A request over RPC as the body of its route: what JSON would drop or change is refused. */

import { bodyTooLarge, MAX_BODY_BYTES } from '../http/body-limit.ts';
import { ApiError } from '../http/errors.ts';

/** TypeScript's `JSON` lacks it. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): object };

/** A value with its comma or its bracket has at least these. */
const MIN_VALUE_BYTES = 2;
/** 64, signed or not. */
const BIGINT_BITS = 65;

/**
 * A structured clone as JSON. Typed arrays become lists, and a bigint keeps its digits.
 * @throws ApiError 400 for a value that JSON would leave out or change: its field would have another effect, without a
 *   word. 413 before the text of a request exists that is too large for a body
 */
export function jsonOf(request: unknown): string {
  /** By object: where it stands, as in the messages of other errors. */
  const paths = new WeakMap<object, string>();
  let path = '';
  let bytes = 0;
  const ensureFits = (more: number) => {
    if (bytes + more > MAX_BODY_BYTES) throw bodyTooLarge();
  };
  try {
    return JSON.stringify(request ?? null, function (this: object, key: string) {
      const parent = paths.get(this);
      path = parent ? `${parent}.${key}` : key;
      // Not the value that is passed, which of a date is a text.
      const value: unknown = Reflect.get(this, key);
      if (value === undefined) return value;
      const size = MIN_VALUE_BYTES + (typeof value === 'string' ? value.length : 0);
      ensureFits(size);
      bytes += size;
      // A list of a billion holes takes no memory as long as it is no text.
      if (Array.isArray(value) || isTypedArray(value)) ensureFits(MIN_VALUE_BYTES * value.length);
      const json = jsonValueOf(value, path);
      if (typeof json === 'object' && json !== null) paths.set(json, path);
      return json;
    });
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (!(error instanceof RangeError)) throw unsupported(path, 'a value that contains itself');
    throw new ApiError(400, 'The request is nested too deeply', { code: 'invalid_value' });
  }
}

/** An object as JSON has it, of no class. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function jsonValueOf(value: unknown, path: string): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      throw unsupported(path, String(value));
    case 'bigint':
      // Its digits could be a million.
      if (BigInt.asIntN(BIGINT_BITS, value) === value) return rawJSON(String(value));
      throw unsupported(path, 'a bigint of more than 64 bits');
    case 'object':
      if (value === null || Array.isArray(value) || isPlain(value)) return value;
      if (isTypedArray(value)) return Array.from<number | bigint>(value);
      throw unsupported(path, `a ${Object.prototype.toString.call(value).slice(8, -1)}`);
    default:
      throw unsupported(path, `a ${typeof value}`);
  }
}

const isTypedArray = (value: unknown): value is Uint8Array | BigInt64Array =>
  ArrayBuffer.isView(value) && !(value instanceof DataView);

function unsupported(path: string, found: string): ApiError {
  const name = path === '' ? 'The request' : `'${path}'`;
  const message = `${name} must be a value that JSON has, or a typed array, not ${found}`;
  return new ApiError(400, message, { ...(path && { param: path }), code: 'invalid_value' });
}
