/** @module A request over RPC as the body of its route: what JSON would drop or change is refused. */
import { ApiError } from '../http/errors.ts';

/** TypeScript's `JSON` lacks it. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): object };

/**
 * A structured clone as JSON. Typed arrays become lists, and a bigint keeps its digits.
 * @throws ApiError 400 for a value that JSON would leave out: its field would have no effect, without a word
 */
export function jsonOf(request: unknown): string {
  /** By object: where it stands, as in the messages of other errors. */
  const paths = new WeakMap<object, string>();
  return JSON.stringify(request ?? null, function (this: object, key: string, value: unknown) {
    const parent = paths.get(this);
    const path = parent ? `${parent}.${key}` : key;
    if (typeof value === 'bigint') return rawJSON(String(value));
    if (typeof value === 'number' && !Number.isFinite(value)) throw unsupported(path, String(value));
    if (typeof value === 'function' || typeof value === 'symbol')
      throw unsupported(path, `a ${typeof value}`);
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof DataView || !(ArrayBuffer.isView(value) || Array.isArray(value) || isPlain(value))) {
      throw unsupported(path, `a ${value.constructor.name}`);
    }
    const json = ArrayBuffer.isView(value) ? Array.from(value as Uint8Array) : value;
    paths.set(json, path);
    return json;
  });
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function unsupported(path: string, found: string): ApiError {
  const name = path === '' ? 'The request' : `'${path}'`;
  const message = `${name} must be a value that JSON has, or a typed array, not ${found}`;
  return new ApiError(400, message, { ...(path && { param: path }), code: 'invalid_value' });
}
