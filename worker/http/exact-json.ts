/** @module JSON whose whole numbers keep all their digits, beyond those that a double holds. */

/** `JSON.parse` with the source text of numbers; TypeScript's reviver has no third parameter. */
type Parse = (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

/**
 * A whole number of 16 digits or more, where a value begins. Numbers of fewer digits are exact as doubles. A
 * reviver takes a microsecond for every value, so most texts are parsed without one.
 */
const MANY_DIGITS = /(?:^|[:,[])\s*-?\d{16}/;

/**
 * Parses JSON. A whole number beyond ±2^53 becomes a bigint if its key asks for that, otherwise the nearest
 * double.
 * @param isExact whether the number of this key keeps its digits; the key of a lone number is empty
 * @throws SyntaxError
 */
export function parseJson(text: string, isExact: (key: string) => boolean): unknown {
  if (!MANY_DIGITS.test(text)) return JSON.parse(text);
  try {
    return (JSON.parse as Parse)(text, (key, value, { source = '' }) =>
      isExact(key) && isInexact(value) && /^-?\d+$/.test(source) ? BigInt(source) : value,
    );
  } catch (error) {
    // A reviver visits brackets recursively: too many exceed the stack. No schema has them.
    if (error instanceof RangeError) return JSON.parse(text);
    throw error;
  }
}

function isInexact(value: unknown): boolean {
  return typeof value === 'number' && !Number.isSafeInteger(value);
}
