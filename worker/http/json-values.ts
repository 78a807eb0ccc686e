/**
 * @module The number of values in a JSON text, counted before it is parsed: `[{},{},…]` takes a hundred times its
 * own size as objects.
 */
import { ApiError } from './errors.ts';

/** More than 128 prompts of 1,024 token ids, or than a bias for each token of GPT-2. */
export const MAX_JSON_VALUES = 160_000;
/** By the bytes that they take, compared with a number's. */
const STRING_VALUES = 2;
const CONTAINER_VALUES = 8;

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPENING_BRACKET = 0x5b;
const OPENING_BRACE = 0x7b;

/** @param subject what the JSON is, for the message @throws ApiError 413 */
export function limitJsonValues(json: Uint8Array, subject = 'The request body'): void {
  const values = countJsonValues(json);
  if (values <= MAX_JSON_VALUES) return;
  const weights = `a string counts as ${STRING_VALUES}, a list or an object as ${CONTAINER_VALUES}`;
  const message = `${subject} has ${values} values, more than ${MAX_JSON_VALUES} (${weights})`;
  throw new ApiError(413, message, { code: 'body_too_large' });
}

/** @param json UTF-8; of invalid JSON the number has no meaning */
export function countJsonValues(json: Uint8Array): number {
  let values = 1;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (inString) {
      if (byte === BACKSLASH) i++;
      else inString = byte !== QUOTE;
    } else if (byte === COMMA) {
      values++;
    } else if (byte === QUOTE) {
      values += STRING_VALUES - 1;
      inString = true;
    } else if (byte === OPENING_BRACKET || byte === OPENING_BRACE) {
      values += CONTAINER_VALUES;
    }
  }
  return values;
}
