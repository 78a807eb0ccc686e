/** @module JSON whose whole numbers keep all their digits, beyond those that a double holds. */

/** `JSON.parse` with the source text of numbers; TypeScript's reviver has no third parameter. */
type Parse = (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

/**
 * A number of 16 characters or more or with an exponent, where a value begins. Others are exact as doubles. A
 * reviver takes a microsecond for every value, so most texts are parsed without one.
 */
const LONG_NUMBER = /(?:^|[:,[])\s*-?(?:[\d.]{16}|[\d.]+[eE])/;

/**
 * Parses JSON. A whole number beyond ±2^53 becomes a bigint if its key asks for that, however it is written
 * (`1e16`, `10000000000000000.0`). One that is not whole but has a whole double stays the text it was. All others
 * become the nearest double.
 * @param isExact whether the number of this key keeps its digits; the key of a lone number is empty
 * @throws SyntaxError
 */
export function parseJson(text: string, isExact: (key: string) => boolean): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  try {
    return (JSON.parse as Parse)(text, (key, value, { source = '' }) =>
      isExact(key) && Number.isInteger(value) ? wholeNumber(source) : value,
    );
  } catch (error) {
    // A reviver visits brackets recursively: too many exceed the stack. No schema has them.
    if (error instanceof RangeError) return JSON.parse(text);
    throw error;
  }
}

/** Digits of the largest number of 64 bits: a number of more is as well refused as the double that it was. */
const MAX_DIGITS = 20;

/**
 * @returns the text itself if the number is not whole; the double if it has an exponent and would have too many
 *   digits
 */
function wholeNumber(source: string): bigint | number | string {
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(Number(source)) ? Number(source) : BigInt(source);
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(source) ?? [];
  const all = `${whole}${fraction}`;
  const digits = all.replace(/0+$/, '');
  // The number is digits · 10^zeros.
  const zeros = Number(exponent) - fraction.length + all.length - digits.length;
  if (zeros < 0) return source;
  if (digits.length + zeros > MAX_DIGITS) return Number(source);
  const exact = BigInt(`${sign}${digits}${'0'.repeat(zeros)}`);
  return Number.isSafeInteger(Number(exact)) ? Number(source) : exact;
}
