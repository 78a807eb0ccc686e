/** @module Keywords of numbers and strings. */
import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import { join, malformed, readCount, readNumber, readString, type SchemaObject } from './keywords.ts';
import { formatOf, patternOf } from './languages.ts';
import { ANY_NUMBER, intersectNumbers, type NumberPiece, normalized } from './numbers.ts';
import { ANY_STRING, intersectStrings, type StringPiece } from './strings.ts';

const NO_NUMBER: readonly NumberPiece[] = [];
const ALL_NUMBERS: readonly NumberPiece[] = [ANY_NUMBER];
const INTEGERS: readonly NumberPiece[] = [{ ...ANY_NUMBER, multiples: [1] }];
const ALL_STRINGS: readonly StringPiece[] = [ANY_STRING];

/** Formats of numbers: OpenAPI's. */
const INTEGER_FORMATS: ReadonlyMap<unknown, NumberPiece> = new Map([
  ['int32', { ...ANY_NUMBER, low: -(2 ** 31), high: 2 ** 31 - 1, multiples: [1] }],
  ['int64', { ...ANY_NUMBER, multiples: [1] }],
]);

/** @param integersOnly for type integer */
export function parseNumbers(
  schema: SchemaObject,
  place: string,
  integersOnly: boolean,
): readonly NumberPiece[] {
  const minimum = readNumber(schema, 'minimum', place);
  const maximum = readNumber(schema, 'maximum', place);
  const above = readExclusive(schema, 'exclusiveMinimum', place);
  const below = readExclusive(schema, 'exclusiveMaximum', place);
  const multiple = readNumber(schema, 'multipleOf', place);
  if (multiple !== undefined && multiple <= 0) throw malformed('multipleOf', place, multiple, 'above 0');
  const format = INTEGER_FORMATS.get(schema.format);
  if ([minimum, maximum, above, below, multiple, format].every((bound) => bound === undefined))
    return integersOnly ? INTEGERS : ALL_NUMBERS;
  const parts: NumberPiece[] = [
    {
      ...ANY_NUMBER,
      low: minimum ?? -Infinity,
      lowIsExcluded: above === true && minimum !== undefined,
      high: maximum ?? Infinity,
      highIsExcluded: below === true && maximum !== undefined,
    },
    ...(integersOnly ? INTEGERS : []),
    ...(typeof above === 'number' ? [{ ...ANY_NUMBER, low: above, lowIsExcluded: true }] : []),
    ...(typeof below === 'number' ? [{ ...ANY_NUMBER, high: below, highIsExcluded: true }] : []),
    ...(multiple === undefined ? [] : [multiplesPiece(multiple)]),
    ...(format ? [format] : []),
  ];
  const piece = parts.reduce<NumberPiece | undefined>(
    (both, part) => both && intersectNumbers(both, part),
    normalized(ANY_NUMBER),
  );
  return piece ? [piece] : NO_NUMBER;
}

/** Larger multiples of 1 are integers, but ajv takes none of them for a multiple. */
function multiplesPiece(multiple: number): NumberPiece {
  const ofOne = { low: -1e21, lowIsExcluded: true, high: 1e21, highIsExcluded: true };
  return { ...ANY_NUMBER, multiples: [multiple], ...(multiple === 1 && ofOne) };
}

/** A number; in draft 4 a boolean that belongs to the bound beside it. */
function readExclusive(schema: SchemaObject, keyword: string, place: string): number | boolean | undefined {
  return typeof schema[keyword] === 'boolean' ? schema[keyword] : readNumber(schema, keyword, place);
}

export function parseStrings(
  schema: SchemaObject,
  place: string,
  budget: CompileBudget,
): readonly StringPiece[] {
  const minLength = readCount(schema, 'minLength', place) ?? 0;
  const maxLength = readCount(schema, 'maxLength', place) ?? Infinity;
  const pattern = readString(schema, 'pattern', place);
  const format = typeof schema.format === 'string' ? schema.format : undefined;
  if (minLength === 0 && maxLength === Infinity && pattern === undefined && format === undefined)
    return ALL_STRINGS;
  if (minLength > maxLength) return [];
  let piece: StringPiece | undefined = { ...ANY_STRING, minLength, maxLength };
  if (pattern !== undefined) {
    const language = at(join(place, 'pattern'), 'pattern', () => patternOf(pattern, budget));
    piece = { language, minLength, maxLength };
  }
  if (format !== undefined) {
    const language = at(join(place, 'format'), 'format', () => formatOf(format));
    if (language) piece = intersectStrings(piece, { ...ANY_STRING, language }, budget);
  }
  return piece ? [piece] : [];
}

/** Errors of `compile` name the keyword and its place. */
export function at<T>(place: string, keyword: string, compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof ConstraintError)) throw error;
    throw new ConstraintError(`"${keyword}": ${error.message}`, place);
  }
}
