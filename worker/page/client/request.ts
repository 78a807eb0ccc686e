/** @module From the form to the body of `POST /v1/completions`. */
import { FIELDS, type FieldName } from './fields.ts';
import { fieldsOf, SEARCHES } from './searches.ts';
import { type Settings, valueIn } from './settings.ts';

export type RequestBody = Readonly<Record<string, unknown>>;

/** Alternatives for each token; the most that the API gives. */
const LOGPROBS = 5;

/**
 * Only what applies to the search and is not what the API would take anyway; and the stream, with all that the page draws.
 * What is no value of its field goes as it was typed: the API says best what is wrong with it.
 */
export function toRequest(settings: Settings): RequestBody {
  const { prompt, search } = settings;
  const { always, beams } = SEARCHES[search];
  const given = fieldsOf(search).flatMap((name) => {
    const value = valueIn(settings, name);
    return value.trim() === '' || value === FIELDS[name].unsent ? [] : [[name, parse(name, value)] as const];
  });
  return {
    prompt,
    ...Object.fromEntries(given),
    ...always,
    logprobs: LOGPROBS,
    stream: true,
    stream_options: { include_usage: true, ...(beams && { include_beams: true }) },
  };
}

function parse(name: FieldName, value: string): unknown {
  const { kind } = FIELDS[name];
  if (kind === 'lines') return stopsOf(value);
  if (kind === 'choice') return value === 'true' ? true : value === 'false' ? false : value;
  const number = Number(value);
  return Number.isFinite(number) ? number : value;
}

/** One a line, in which `\n` is a line break, `\t` a tab, and `\\` a backslash. */
function stopsOf(value: string): readonly string[] {
  const characters: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\' };
  return value
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\\([nt\\])/g, (_, letter: string) => characters[letter] ?? letter));
}
