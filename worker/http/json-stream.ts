/** @module JSON that is written while it is sent: a long answer never exists as one string. */

/**
 * A JSON value whose text is made piece by piece. These are classes, because a generator function of each object's
 * own would add one to V8's old objects, which it collects late; and plain values have no generator each.
 */
export abstract class JsonStream {
  abstract pieces(): Generator<string>;
}

class JsonArray extends JsonStream {
  readonly #elements: Iterable<unknown>;

  constructor(elements: Iterable<unknown>) {
    super();
    this.#elements = elements;
  }

  override *pieces() {
    let separator = '[';
    for (const element of this.#elements) {
      if (element instanceof JsonStream) {
        yield separator;
        yield* element.pieces();
      } else yield separator + JSON.stringify(element);
      separator = ',';
    }
    yield separator === '[' ? '[]' : ']';
  }
}

class JsonObject extends JsonStream {
  readonly #fields: Iterable<readonly [string, unknown]>;

  constructor(fields: Iterable<readonly [string, unknown]>) {
    super();
    this.#fields = fields;
  }

  override *pieces() {
    let separator = '{';
    for (const [name, value] of this.#fields) {
      if (value === undefined) continue;
      const label = `${separator}${JSON.stringify(name)}:`;
      if (value instanceof JsonStream) {
        yield label;
        yield* value.pieces();
      } else yield label + JSON.stringify(value);
      separator = ',';
    }
    yield separator === '{' ? '{}' : '}';
  }
}

class JsonText extends JsonStream {
  readonly #text: string;

  constructor(text: string) {
    super();
    this.#text = text;
  }

  override *pieces() {
    yield this.#text;
  }
}

/** An array whose elements are made when they are written; elements may be streams. */
export const jsonArray = (elements: Iterable<unknown>): JsonStream => new JsonArray(elements);

/** A value that is JSON text already: its numbers keep their digits, and its objects the order of their keys. */
export const jsonText = (text: string): JsonStream => new JsonText(text);

/**
 * An object; values may be streams. An undefined one is left out, as `JSON.stringify` does. A map keeps the order
 * of its keys, also of those like "0": an ordinary object lists keys that look like array indices first.
 */
export function jsonObject(
  fields: Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>,
): JsonStream {
  return new JsonObject(fields instanceof Map ? fields : Object.entries(fields));
}

/** A small object of plain values, in the order of its keys, whose text is made at once: with less garbage than pieces. */
export function jsonSmall(fields: ReadonlyMap<string, number | string | null>): JsonStream {
  let text = '';
  for (const [name, value] of fields) {
    text += `${text === '' ? '{' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  return jsonText(text === '' ? '{}' : `${text}}`);
}

/** Characters that are encoded at a time: more than a piece, to save calls, and too few to outlive young objects. */
const ENCODED_LENGTH = 512;

/**
 * UTF-8 in chunks of `size` bytes, or up to 3 less, and a last one. The text of a chunk never exists as one string:
 * V8 keeps long strings among its old objects, which it collects late.
 * @param size at least 4, the bytes of a character
 */
export function* jsonChunks(json: JsonStream, size: number): Generator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let chunk = new Uint8Array(size);
  let length = 0;
  for (let text of texts(json)) {
    for (;;) {
      const { read, written } = encoder.encodeInto(text, chunk.subarray(length));
      length += written;
      text = text.slice(read);
      if (text === '') break;
      yield chunk.subarray(0, length);
      chunk = new Uint8Array(size);
      length = 0;
    }
  }
  if (length > 0) yield chunk.subarray(0, length);
}

function* texts(json: JsonStream): Generator<string> {
  let text = '';
  for (const piece of json.pieces()) {
    text += piece;
    if (text.length < ENCODED_LENGTH) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}
