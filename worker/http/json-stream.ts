/** @module JSON that is written while it is sent: a long answer never exists as one string. */

/** A JSON value whose text is made piece by piece. */
export interface JsonStream {
  pieces(): Iterable<string>;
}

/** An array whose elements are made when they are written. */
export function jsonArray(elements: Iterable<unknown>): JsonStream {
  return {
    *pieces() {
      let separator = '';
      yield '[';
      for (const element of elements) {
        yield separator;
        yield* piecesOf(element);
        separator = ',';
      }
      yield ']';
    },
  };
}

/** An object; values may be streams. An undefined one is left out, as `JSON.stringify` does. */
export function jsonObject(fields: Readonly<Record<string, unknown>>): JsonStream {
  return {
    *pieces() {
      let separator = '{';
      for (const [name, value] of Object.entries(fields)) {
        if (value === undefined) continue;
        yield `${separator}${JSON.stringify(name)}:`;
        yield* piecesOf(value);
        separator = ',';
      }
      yield separator === '{' ? '{}' : '}';
    },
  };
}

function isStream(value: unknown): value is JsonStream {
  return (
    typeof value === 'object' && value !== null && 'pieces' in value && typeof value.pieces === 'function'
  );
}

function piecesOf(value: unknown): Iterable<string> {
  return isStream(value) ? value.pieces() : [JSON.stringify(value)];
}

/** The text in chunks of at least `length` characters, but for the last. */
export function* jsonChunks(json: JsonStream, length: number): Generator<string> {
  let chunk = '';
  for (const piece of json.pieces()) {
    chunk += piece;
    if (chunk.length < length) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}
