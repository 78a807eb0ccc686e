/** @module Regular expressions for the decimal texts above and below a bound. */

/** Plain digits before the point. Writers of JSON use an exponent from 22 digits on. */
export const MAX_INTEGER_DIGITS = 40;
/** Of a bound. Those beyond take part in exponent forms only. */
const MAX_PLAIN_DIGITS = 40;
/** Least exponent that a text has: everything below is zero. */
const LEAST_EXPONENT = -400;
const GREATEST_EXPONENT = 308;
/** Digits after the point. */
export const FRACTION = '(?:\\.\\d+)?';

/** A positive decimal `d.ddd × 10^exponent`, the first digit not 0. */
export interface Decimal {
  readonly digits: string;
  readonly exponent: number;
}

/** The shortest decimal that is read as this number. @param value positive and finite */
export function decimalOf(value: number): Decimal {
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  return { digits: mantissa.replace('.', ''), exponent: Number(exponent) };
}

/** Plain texts of smaller numbers are left out. */
const LEAST_PLAIN: Decimal = { digits: '1', exponent: 1 - MAX_PLAIN_DIGITS };

/** Texts without a sign whose value is at least this. */
export function atLeast({ digits, exponent }: Decimal): string {
  const isTiny = exponent <= -MAX_PLAIN_DIGITS;
  const [integer, fraction] = plain(isTiny ? LEAST_PLAIN : { digits, exponent });
  const plainTexts = integer === undefined ? [] : [plainAtLeast(integer, fraction)];
  return any([
    ...plainTexts,
    `(?:${mantissaAtLeast(digits)})[eE]${exponents(exponent, GREATEST_EXPONENT)}`,
    `[1-9]${FRACTION}[eE]${exponents(exponent + 1, GREATEST_EXPONENT)}`,
  ]);
}

/** Texts without a sign whose value is at most this. */
export function atMost({ digits, exponent }: Decimal): string {
  const [integer, fraction] = plain({ digits, exponent });
  return any([
    integer === undefined
      ? exponent < 0
        ? '0(?:\\.0+)?'
        : `(?:0|[1-9]\\d{0,${MAX_INTEGER_DIGITS - 1}})${FRACTION}`
      : plainAtMost(integer, fraction),
    `0(?:\\.0+)?[eE][+\\-]?\\d{1,3}`,
    `(?:${mantissaAtMost(digits)})[eE]${exponents(LEAST_EXPONENT, exponent)}`,
    `[1-9]${FRACTION}[eE]${exponents(LEAST_EXPONENT, exponent - 1)}`,
  ]);
}

/** The digits before and after the point; nothing if they are too many. */
function plain({ digits, exponent }: Decimal): readonly [integer: string | undefined, fraction: string] {
  if (exponent >= MAX_PLAIN_DIGITS || exponent <= -MAX_PLAIN_DIGITS) return [undefined, ''];
  if (exponent < 0) return ['0', '0'.repeat(-exponent - 1) + digits];
  const padded = digits.padEnd(exponent + 1, '0');
  return [padded.slice(0, exponent + 1), padded.slice(exponent + 1)];
}

/** Digits as many as these, with a greater value. */
function greaterDigits(digits: string): string[] {
  return Array.from(digits, (digit, i) => ({ digit: Number(digit), i }))
    .filter(({ digit }) => digit < 9)
    .map(({ digit, i }) => `${digits.slice(0, i)}[${digit + 1}-9]${repeat(digits.length - i - 1)}`);
}

/** Digits as many as these, with a smaller value. @param least the least first digit */
function smallerDigits(digits: string, least: number): string[] {
  return Array.from(digits, (digit, i) => ({ digit: Number(digit), from: i === 0 ? least : 0, i }))
    .filter(({ digit, from }) => digit > from)
    .map(
      ({ digit, from, i }) => `${digits.slice(0, i)}[${from}-${digit - 1}]${repeat(digits.length - i - 1)}`,
    );
}

function repeat(count: number): string {
  return count === 0 ? '' : `\\d{${count}}`;
}

function plainAtLeast(integer: string, fraction: string): string {
  const greater = [...greaterDigits(integer), `[1-9]\\d{${integer.length},${MAX_INTEGER_DIGITS - 1}}`];
  return any([`${any(greater)}${FRACTION}`, `${integer}${fractionAtLeast(fraction)}`]);
}

function plainAtMost(integer: string, fraction: string): string {
  const smaller = smallerDigits(integer, integer.length > 1 ? 1 : 0);
  if (integer.length > 1) smaller.push('0');
  if (integer.length > 1) smaller.push(`[1-9]\\d{0,${integer.length - 2}}`);
  const below = smaller.length === 0 ? [] : [`${any(smaller)}${FRACTION}`];
  return any([...below, `${integer}${fractionAtMost(fraction)}`]);
}

function fractionAtLeast(digits: string): string {
  if (digits === '') return FRACTION;
  const greater = Array.from(digits, (digit, i) => ({ digit: Number(digit), i }))
    .filter(({ digit }) => digit < 9)
    .map(({ digit, i }) => `${digits.slice(0, i)}[${digit + 1}-9]\\d*`);
  return `\\.${any([...greater, `${digits}\\d*`])}`;
}

function fractionAtMost(digits: string): string {
  if (digits === '') return '(?:\\.0+)?';
  const smaller = Array.from(digits, (digit, i) => ({ digit: Number(digit), i }))
    .filter(({ digit }) => digit > 0)
    .map(({ digit, i }) => `${digits.slice(0, i)}[0-${digit - 1}]\\d*`);
  const prefixes = Array.from(digits, (_, i) => digits.slice(0, i)).filter((prefix) => prefix !== '');
  return `(?:\\.${any([...smaller, ...prefixes, `${digits}0*`])})?`;
}

function mantissaAtLeast(digits: string): string {
  const first = Number(digits[0]);
  return any([
    ...(first < 9 ? [`[${first + 1}-9]${FRACTION}`] : []),
    `${first}${fractionAtLeast(digits.slice(1))}`,
  ]);
}

function mantissaAtMost(digits: string): string {
  const first = Number(digits[0]);
  return any([
    ...(first > 1 ? [`[1-${first - 1}]${FRACTION}`] : []),
    `${first}${fractionAtMost(digits.slice(1))}`,
  ]);
}

/** Exponents from `from` up to `to`, with any number of zeros before them. */
export function exponents(from: number, to: number): string {
  const parts: string[] = [];
  if (from < 0) parts.push(`-0*${range(Math.max(-to, 0), -from)}`);
  if (to >= 0) parts.push(`\\+?0*${range(Math.max(from, 0), to)}`);
  return any(parts.length > 0 && from <= to ? parts : ['[]']);
}

/** Numbers from `from` up to `to`, without a sign. */
function range(from: number, to: number): string {
  const parts: string[] = [];
  for (let low = from; low <= to; ) {
    // As many last digits as may be anything.
    let size = 1;
    while (low % (size * 10) === 0 && low + size * 10 - 1 <= to && low > 0) size *= 10;
    const high = Math.min(low - (low % (size * 10)) + size * 9, to + 1 - size - ((to + 1) % size));
    const last = Math.floor((high % (size * 10)) / size);
    const head = Math.floor(low / (size * 10));
    const digit = Math.floor((low % (size * 10)) / size);
    parts.push(`${head > 0 ? head : ''}[${digit}-${last}]${repeat(String(size).length - 1)}`);
    low = high + size;
  }
  return any(parts);
}

export function any(parts: readonly string[]): string {
  return `(?:${parts.join('|')})`;
}
