/** @module Python's methods of texts that `@huggingface/jinja` lacks or has otherwise. Places count code points. */
import { type TemplateValue, WHITE_SPACE } from './python.ts';

/** `str.capitalize` */
export function capitalized(text: string): string {
  const [first = '', ...rest] = text;
  return first.toUpperCase() + rest.join('').toLowerCase();
}

/**
 * `str.title`: a word is a run of letters with cases, so that "it's" becomes "It'S". Letters whose title case is
 * neither of the two cases (Georgian ones, digraphs such as "ǆ", Greek ones with an iota) begin with the upper case.
 */
export function titled(text: string): string {
  return text.replace(/\p{Cased}+/gu, (word) => {
    const first = String.fromCodePoint(word.codePointAt(0) ?? 0);
    // The whole word, because the last sigma of a word has a form of its own.
    return capitalized(first.toUpperCase()) + word.toLowerCase().slice(first.toLowerCase().length);
  });
}

const WORD_BEGINNING = new RegExp(`([-${WHITE_SPACE}({[<]+)`, 'u');

/** The filter `title` of jinja2, which differs from the method: "it's" becomes "It's". */
export const titledWords = (text: string): string => text.split(WORD_BEGINNING).map(capitalized).join('');

/**
 * `text.find(part, start, end)`: the first place between the two, or -1.
 * @param visit called with the part before the search; what it throws ends it
 * @throws TypeError for other arguments
 */
export function found(
  text: string,
  [part, ...places]: readonly TemplateValue[],
  visit: (part: string) => void,
): number {
  if (typeof part?.value !== 'string')
    throw new TypeError(`find() takes a text, not ${part?.type ?? 'nothing'}`);
  const other = places.find(({ type }) => type !== 'IntegerValue' && type !== 'NullValue');
  if (other) throw new TypeError(`find() takes places that are integers, not ${other.type}`);
  visit(part.value);
  const [start, end] = places.map(({ type, value }) => (type === 'NullValue' ? undefined : Number(value)));
  return placeOf(text, part.value, start, end);
}

/** Negative places count from the end. */
function placeOf(text: string, part: string, start = 0, end = Number.POSITIVE_INFINITY): number {
  const points = [...text];
  const place = (given: number) => (given < 0 ? Math.max(0, given + points.length) : given);
  const first = place(start);
  const last = Math.min(place(end), points.length);
  if (first > last) return -1;
  const range = points.slice(first, last).join('');
  const at = range.indexOf(part);
  return at < 0 ? -1 : first + [...range.slice(0, at)].length;
}

/** `separator.join(items)`. @throws TypeError if `items` are not texts */
export function joined(separator: string, items: TemplateValue | undefined): string {
  if (typeof items?.value === 'string') return [...items.value].join(separator);
  if (items?.value instanceof Map) return [...items.value.keys()].join(separator);
  if (!Array.isArray(items?.value))
    throw new TypeError(`join() takes a list, not ${items?.type ?? 'nothing'}`);
  const texts = items.value as readonly TemplateValue[];
  const other = texts.findIndex(({ type }) => type !== 'StringValue');
  if (other >= 0) throw new TypeError(`join() takes texts, and item ${other} is ${texts[other]?.type}`);
  return texts.map(({ value }) => String(value)).join(separator);
}
