/** @module The page's form, the requests that it makes, and its address: held to the schema of the API. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completionSchema } from '../../../../../worker/contracts/openai/schema.ts';
import { EXAMPLES } from '../../../../../worker/page/client/examples.ts';
import { FIELDS, type FieldName } from '../../../../../worker/page/client/fields.ts';
import { toRequest } from '../../../../../worker/page/client/request.ts';
import { fieldsOf, SEARCH_NAMES, type SearchName } from '../../../../../worker/page/client/searches.ts';
import {
  fromFragment,
  INITIAL,
  type Settings,
  toFragment,
} from '../../../../../worker/page/client/settings.ts';

const NAMES = Object.keys(FIELDS) as FieldName[];
const withValues = (search: SearchName, values: Settings['values'] = {}): Settings => ({
  prompt: 'a',
  search,
  values,
});
/** What a request says beside what each has. */
function saidBy(settings: Settings): object {
  const { prompt, logprobs, stream, stream_options, ...rest } = toRequest(settings);
  return rest;
}
const isTaken = (body: object) => completionSchema.safeParse(body).success;

describe('a request', () => {
  it.each([
    ['greedy', { max_tokens: 48, temperature: 0 }],
    ['sampling', { max_tokens: 48 }],
    ['beam', { num_beams: 4, max_tokens: 48 }],
    ['beam-sampling', { num_beams: 4, max_tokens: 48, do_sample: true }],
    ['diverse', { num_beams: 4, num_beam_groups: 2, diversity_penalty: 0.5, max_tokens: 48 }],
  ] as const)('of %s says no more than it must', (search, expected) => {
    expect(saidBy(withValues(search))).toEqual(expected);
    expect(isTaken(toRequest(withValues(search)))).toBe(true);
  });

  it('asks for all that is drawn', () => {
    expect(toRequest(withValues('beam'))).toMatchObject({
      prompt: 'a',
      logprobs: 5,
      stream: true,
      stream_options: { include_usage: true, include_beams: true },
    });
    expect(toRequest(withValues('sampling')).stream_options).toEqual({ include_usage: true });
  });

  it('leaves out what the API takes anyway, and what does not apply', () => {
    const values = { max_tokens: '16', temperature: '0.5', length_penalty: '2', top_p: '1', seed: '' };
    expect(saidBy(withValues('sampling', values))).toEqual({ temperature: 0.5 });
    expect(saidBy(withValues('greedy', values))).toEqual({ temperature: 0 });
    expect(saidBy(withValues('beam', values))).toEqual({ num_beams: 4, length_penalty: 2 });
  });

  it('has each field as the API has it', () => {
    const values = { early_stopping: 'true', stop: 'The end\n\\n\\n\na\\\\n', min_tokens: '3', n: '2' };
    const said = saidBy(withValues('beam', values));
    expect(said).toMatchObject({
      early_stopping: true,
      stop: ['The end', '\n\n', 'a\\n'],
      min_tokens: 3,
      n: 2,
    });
    expect(saidBy(withValues('beam', { early_stopping: 'never' }))).toMatchObject({
      early_stopping: 'never',
    });
  });

  it('says what is no number as it was typed, so that the API can say what is wrong', () => {
    expect(saidBy(withValues('sampling', { temperature: 'hot' }))).toMatchObject({ temperature: 'hot' });
  });

  it.each(EXAMPLES)('of the example $title is one', ({ settings }) => {
    expect(isTaken(toRequest(settings))).toBe(true);
    const names = Object.keys(settings.values);
    expect(fieldsOf(settings.search)).toEqual(expect.arrayContaining(names));
  });
});

describe('a field', () => {
  const numbers = NAMES.filter((name) => ['integer', 'number'].includes(FIELDS[name].kind));

  it.each(NAMES)('%s is one of the API, which takes what it says where it is not sent', (name) => {
    const { unsent } = FIELDS[name];
    const parsed = completionSchema.parse({}) as Record<string, unknown>;
    // Without a default of its own the API has it in the translation, not in the schema.
    const byDefault = { temperature: '1', seed: '', stop: '' }[name as string] ?? String(parsed[name]);
    expect(unsent).toBe(byDefault);
  });

  it.each(numbers)('%s has the limits of the API', (name) => {
    const { min, max, kind } = FIELDS[name];
    const takes = (value: number) => isTaken({ [name]: value });
    if (max !== undefined) expect([takes(max), takes(max + 1)]).toEqual([true, false]);
    if (kind === 'integer') expect(takes(2.5)).toBe(false);
    // 2 beams or groups are the fewest that are a search of their own; below 0 is what `more than 0` means.
    if (min === undefined) expect(takes(-5)).toBe(true);
    else if (min !== 2) expect(takes(min - 1)).toBe(false);
    if (min !== undefined && name !== 'repetition_penalty') expect(takes(min)).toBe(true);
  });

  it.each(NAMES)('%s has a meaning in a line', (name) => {
    expect(FIELDS[name].meaning).toMatch(/^\S.{10,110}\.$/);
  });

  it('applies to a search, or to all', () => {
    const applied = new Set(SEARCH_NAMES.flatMap(fieldsOf));
    expect([...applied].sort()).toEqual([...NAMES].sort());
  });
});

describe('the address', () => {
  it('is empty for what the form begins with', () => {
    expect(toFragment(INITIAL)).toBe('');
    expect(fromFragment('')).toEqual({ settings: INITIAL, run: false });
  });

  it('has only what differs, under the names of the API', () => {
    const values = { num_beams: '8', max_tokens: '48', length_penalty: '0.5' };
    expect(toFragment({ prompt: 'A dog & a cat', search: 'beam', values })).toBe(
      'prompt=A+dog+%26+a+cat&num_beams=8&length_penalty=0.5',
    );
  });

  it('fills the form, and runs only where it says so', () => {
    const { settings, run } = fromFragment('#prompt=Hi&search=diverse&num_beams=6&run=1&nonsense=1&top_k=5');
    expect(settings).toEqual({ prompt: 'Hi', search: 'diverse', values: { num_beams: '6' } });
    expect(run).toBe(true);
    expect(fromFragment('#search=none&run=0')).toEqual({ settings: INITIAL, run: false });
  });

  it('brings every search back as it was', () => {
    const anySettings = fc
      .record({
        prompt: fc.string({ unit: 'binary' }),
        search: fc.constantFrom(...SEARCH_NAMES),
        values: fc.dictionary(fc.constantFrom(...NAMES), fc.string({ unit: 'grapheme' })),
      })
      .map((settings) => settings as Settings);
    fc.assert(
      fc.property(anySettings, (settings) => {
        const { settings: back } = fromFragment(toFragment(settings));
        expect(toRequest(back)).toEqual(toRequest(settings));
      }),
    );
  });
});
