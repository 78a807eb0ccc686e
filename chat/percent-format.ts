/**
 * @module Python's `text % values`: https://docs.python.org/3/library/stdtypes.html#printf-style-string-formatting.
 * Templates write texts with it, and numbers of a fixed width.
 */
import { pythonText, representation, type TemplateValue } from './python.ts';

/** The right operand of `%`: values in their order, or by name. */
export interface FormatValues {
  readonly items: readonly TemplateValue[];
  readonly named?: ReadonlyMap<string, TemplateValue> | undefined;
  /** Whether items that no directive asks for are an error. */
  readonly areAllUsed: boolean;
}

type Visit = (characters: number) => void;

interface Directive {
  readonly flags: string;
  readonly precision: number | undefined;
  readonly conversion: string;
}

/** Key, flags, width, precision, and a length that means nothing. */
const DIRECTIVE = /%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d*)(?:\.(\*|\d*))?[hlL]?(.?)/gsu;

/** The values that a value on the right of `%` stands for. */
export function formatValues(right: TemplateValue): FormatValues {
  const { type, value } = right;
  if (type === 'TupleValue') return { items: value as readonly TemplateValue[], areAllUsed: true };
  const named = value instanceof Map ? (value as ReadonlyMap<string, TemplateValue>) : undefined;
  return { items: [right], named, areAllUsed: !named && !Array.isArray(value) };
}

/**
 * @param visit called with the characters of each part, before it is made
 * @throws TypeError, as Python; and what `visit` throws
 */
export function formatted(text: string, { items, named, areAllUsed }: FormatValues, visit: Visit): string {
  let used = 0;
  const next = (): TemplateValue => {
    const item = items[used++];
    if (!item) throw new TypeError('not enough arguments for format string');
    return item;
  };
  const count = (digits: string): number => (digits === '*' ? integerOf(next(), '*') : Number(digits));
  const result = text.replace(DIRECTIVE, (...match: readonly (string | undefined)[]) => {
    const [, key, flags = '', width = '', digits, conversion = ''] = match;
    if (conversion === '%') return '%';
    const isNamed = key !== undefined;
    if (isNamed && !named) throw new TypeError('format requires a mapping');
    const columns = count(width);
    const precision = digits === undefined ? undefined : count(digits);
    visit(Math.abs(columns) + Math.abs(precision ?? 0));
    const value = isNamed ? named?.get(key) : next();
    if (!value) throw new TypeError(`format has no value of the name ${key}`);
    return padded(converted(value, { flags, precision, conversion }, visit), columns, flags, conversion);
  });
  if (areAllUsed && used < items.length)
    throw new TypeError('not all arguments converted during string formatting');
  return result;
}

function converted(value: TemplateValue, directive: Directive, visit: Visit): string {
  const { precision, conversion } = directive;
  switch (conversion) {
    case 's':
      return cut(pythonText(value, visit), precision);
    case 'r':
      return cut(representation(value, visit), precision);
    case 'a':
      return cut(representation(value, visit).replace(/[^\0-\x7f]/gu, escaped), precision);
    case 'c':
      return value.type === 'StringValue'
        ? String(value.value)
        : String.fromCodePoint(integerOf(value, conversion));
    case 'd':
    case 'i':
    case 'u':
      return signed(Math.trunc(numberOf(value, conversion)) + 0, directive, (size) =>
        BigInt(size)
          .toString()
          .padStart(precision ?? 0, '0'),
      );
    case 'o':
    case 'x':
    case 'X':
      return signed(integerOf(value, conversion), directive, (size) => radixText(size, directive));
    case '':
      throw new TypeError('incomplete format');
    default:
      if (!'eEfFgG'.includes(conversion)) throw new TypeError(`unsupported format character '${conversion}'`);
      return signed(numberOf(value, conversion), directive, (size) => floatText(size, directive));
  }
}

function radixText(size: number, { flags, precision = 0, conversion }: Directive): string {
  const prefix = flags.includes('#') ? `0${conversion.toLowerCase()}` : '';
  const text = prefix + size.toString(conversion === 'o' ? 8 : 16).padStart(precision, '0');
  return conversion === 'X' ? text.toUpperCase() : text;
}

const DEFAULT_PRECISION = 6;
/** Smaller numbers have an exponent in `%g`. */
const LEAST_EXPONENT = -4;

function floatText(size: number, { flags, precision = DEFAULT_PRECISION, conversion }: Directive): string {
  const kind = conversion.toLowerCase();
  let text: string;
  if (kind === 'e') text = withExponent(size, precision);
  else if (kind === 'f') text = fixed(size, precision);
  else {
    const digits = Math.max(precision, 1);
    const exponent = Number(size.toExponential(digits - 1).split('e')[1]);
    const isFixed = exponent >= LEAST_EXPONENT && exponent < digits;
    text = isFixed ? fixed(size, digits - 1 - exponent) : withExponent(size, digits - 1);
    if (!flags.includes('#')) text = text.replace(/(\.\d*?)0+(?=e|$)/, '$1').replace(/\.(?=e|$)/, '');
  }
  return kind === conversion ? text : text.toUpperCase();
}

function fixed(size: number, places: number): string {
  // JavaScript writes large numbers with an exponent, and rounds halves up, not to the even neighbour.
  if (size >= 1e21) return BigInt(size).toString() + (places > 0 ? `.${'0'.repeat(places)}` : '');
  const scaled = size * 10 ** places;
  const isOddHalf = scaled % 1 === 0.5 && Math.floor(scaled) % 2 === 0;
  return (isOddHalf ? Math.floor(scaled) / 10 ** places : size).toFixed(places);
}

/** With two digits in the exponent. */
const withExponent = (size: number, places: number): string =>
  size.toExponential(places).replace(/e([+-])(\d)$/, 'e$10$2');

function signed(number: number, { flags }: Directive, text: (size: number) => string): string {
  const isNegative = number < 0 || Object.is(number, -0);
  const plus = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  return (isNegative ? '-' : plus) + text(Math.abs(number));
}

function padded(text: string, columns: number, flags: string, conversion: string): string {
  const missing = Math.abs(columns) - [...text].length;
  if (missing <= 0) return text;
  if (columns < 0 || flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0') || 'srac'.includes(conversion)) return ' '.repeat(missing) + text;
  const [start = ''] = /^[-+ ]?(?:0[xXoO])?/.exec(text) ?? [];
  return start + '0'.repeat(missing) + text.slice(start.length);
}

const cut = (text: string, precision: number | undefined): string =>
  precision === undefined ? text : [...text].slice(0, precision).join('');

function escaped(character: string): string {
  const code = (character.codePointAt(0) as number).toString(16);
  if (code.length <= 2) return `\\x${code.padStart(2, '0')}`;
  return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\U${code.padStart(8, '0')}`;
}

function numberOf({ type, value }: TemplateValue, conversion: string): number {
  if (typeof value === 'number' || typeof value === 'boolean') return Number(value);
  throw new TypeError(`%${conversion} format: a number is required, not ${type}`);
}

function integerOf(value: TemplateValue, conversion: string): number {
  const number = numberOf(value, conversion);
  if (value.type === 'FloatValue') throw new TypeError(`%${conversion} format: an integer is required`);
  return number;
}
