/** @module Converts the form's settings to the body of `POST /v1/completions`. */
import { constraintFields } from './constraint.ts';
import { FIELDS, type FieldName } from './fields.ts';
import { parseLines } from './lines.ts';
import { fieldsOf, SEARCHES } from './searches.ts';
import { type Settings, valueIn } from './settings.ts';

export type RequestBody = Readonly<Record<string, unknown>>;

/** Alternatives per token: the API's maximum. */
const LOGPROBS = 5;

/**
 * Sends only fields that apply to the search and differ from the API's default, and requests a stream with
 * everything that the page draws. An invalid value is sent as typed, so that the API reports the error.
 */
export function toRequest(settings: Settings): RequestBody {
  const { prompt, search, model } = settings;
  const { fixedFields, usesBeams } = SEARCHES[search];
  const fields = fieldsOf(search).flatMap((name) => {
    const value = valueIn(settings, name);
    return value.trim() === '' || value === FIELDS[name].apiDefault
      ? []
      : [[name, parse(name, value)] as const];
  });
  return {
    ...(model && { model }),
    prompt,
    ...Object.fromEntries(fields),
    ...fixedFields,
    ...constraintFields(settings.constraint),
    logprobs: LOGPROBS,
    stream: true,
    stream_options: { include_usage: true, ...(usesBeams && { include_beams: true }) },
  };
}

const LISTED_BEAMS = 16;
const LISTED = 8;

/** The search for the entries of a catalogue that begin with what was typed: for `/v1/suggest`. */
export function toSuggestion(model: string, catalogue: string, text: string): RequestBody {
  return { ...(model && { model }), text, catalogue, n: LISTED, num_beams: LISTED_BEAMS };
}

/** The same as a stream with its beams. */
export function toListSearch(model: string, catalogue: string, text: string): RequestBody {
  return {
    ...(model && { model }),
    prompt: '',
    ...{ catalogue, catalogue_prefix: text, n: LISTED, num_beams: LISTED_BEAMS, logprobs: 0 },
    stream: true,
    stream_options: { include_usage: true, include_beams: true },
  };
}

function parse(name: FieldName, value: string): unknown {
  const { kind } = FIELDS[name];
  if (kind === 'lines') return parseLines(value);
  if (kind === 'choice') return value === 'true' ? true : value === 'false' ? false : value;
  const number = Number(value);
  if (isLongInteger(value, number)) return rawJSON?.(value.trim()) ?? value;
  return Number.isFinite(number) ? number : value;
}

/** Whether a double would round a whole number: seeds have 64 bits. */
function isLongInteger(value: string, number: number): boolean {
  return /^-?[1-9]\d*$/.test(value.trim()) && !Number.isSafeInteger(number);
}

/** Older browsers lack it, and TypeScript's `JSON` too. Without it the API answers that the text is no number. */
const { rawJSON } = JSON as unknown as { readonly rawJSON?: (text: string) => object };
