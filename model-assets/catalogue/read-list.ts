/** @module Reads a list of entries: lines of text, of tab-separated values, or of JSON. */
import * as z from 'zod';
import { MAX_ENTRIES } from '../../decoding/catalogue/format.ts';
import { ListError } from './errors.ts';

export interface ListedText {
  readonly text: string;
  readonly id?: string | undefined;
  readonly weight?: number | undefined;
  /** From 1 on. */
  readonly line: number;
}

export type ListFormat = 'lines' | 'jsonl';

/** `.jsonl` and `.ndjson` are lines of JSON. */
export const formatOf = (path: string): ListFormat => (/\.(jsonl|ndjson)$/i.test(path) ? 'jsonl' : 'lines');

const jsonEntry = z.union([
  z.string().transform((text) => ({ text })),
  z.strictObject({
    text: z.string(),
    id: z.union([z.string().min(1), z.int().transform(String)]).optional(),
    weight: z.number().optional(),
  }),
]);

/**
 * Empty lines are left out.
 * @throws ListError for a line that is no entry, and for a list of none or too many
 */
export function readList(content: string, format: ListFormat): ListedText[] {
  const read = format === 'jsonl' ? jsonLine : tabbedLine;
  const list = content
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((text) => text.replace(/\r$/, ''))
    .flatMap((text, i) => (text.trim() === '' ? [] : [{ ...read(text, i + 1), line: i + 1 }]));
  if (list.length === 0) throw new ListError('the list has no entries');
  if (list.length > MAX_ENTRIES) {
    throw new ListError(`the list has ${list.length} entries, which must be at most ${MAX_ENTRIES}`);
  }
  const withId = list.find(({ id }) => id !== undefined);
  const without = list.find(({ id }) => id === undefined);
  if (withId && without) {
    throw new ListError(
      `line ${without.line} has no id, but line ${withId.line} has: give all entries one, or none`,
    );
  }
  return list;
}

/** text, or text ⇥ id, or text ⇥ id ⇥ weight; the id may be empty */
function tabbedLine(line: string, number: number): Omit<ListedText, 'line'> {
  const [text = '', id, weight, ...others] = line.split('\t');
  if (others.length > 0) {
    throw new ListError(
      `line ${number} has ${others.length + 3} columns, which must be at most 3: text, id, weight`,
    );
  }
  if (text === '') throw new ListError(`line ${number} has no text`);
  return {
    text,
    ...(id && { id }),
    ...(weight !== undefined &&
      weight.trim() !== '' && { weight: checkedWeight(Number(weight), weight, number) }),
  };
}

function jsonLine(line: string, number: number): Omit<ListedText, 'line'> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new ListError(`line ${number} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  const { data } = jsonEntry.safeParse(value);
  if (!data) {
    throw new ListError(`line ${number} must be a string, or an object of text, and perhaps id and weight`);
  }
  if (data.text === '') throw new ListError(`line ${number} has no text`);
  if ('weight' in data && data.weight !== undefined) checkedWeight(data.weight, data.weight, number);
  return data;
}

/** @param shown the weight as the list has it */
function checkedWeight(weight: number, shown: unknown, line: number): number {
  if (Number.isFinite(Math.fround(weight))) return weight;
  throw new ListError(
    `the weight in line ${line} must be a number within ±3.4e38, not ${JSON.stringify(shown)}`,
  );
}
