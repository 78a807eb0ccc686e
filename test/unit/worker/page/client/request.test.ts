/** @module The page's fields, requests and URL fragments, checked against the API's schema. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completionSchema } from '../../../../../worker/contracts/openai/schema.ts';
import {
  CONSTRAINT_KINDS,
  CONSTRAINTS,
  type ConstraintKind,
} from '../../../../../worker/page/client/constraint.ts';
import { EXAMPLES } from '../../../../../worker/page/client/examples.ts';
import { FIELDS, type FieldName } from '../../../../../worker/page/client/fields.ts';
import { toListSearch, toRequest, toSuggestion } from '../../../../../worker/page/client/request.ts';
import { fieldsOf, SEARCH_NAMES, type SearchName } from '../../../../../worker/page/client/searches.ts';
import {
  fromFragment,
  INITIAL_SETTINGS,
  type Settings,
  toFragment,
} from '../../../../../worker/page/client/settings.ts';

const FIELD_NAMES = Object.keys(FIELDS) as FieldName[];
const WITH_ADAPTER: Settings = { ...INITIAL_SETTINGS, model: 'poet' };
const withValues = (search: SearchName, values: Settings['values'] = {}): Settings => ({
  prompt: 'a',
  search,
  values,
});
/** A request without the fields that all requests have. */
function specificFields(settings: Settings): object {
  const { prompt, logprobs, stream, stream_options, ...rest } = toRequest(settings);
  return rest;
}
const isValid = (body: object) => completionSchema.safeParse(body).success;

describe('a request', () => {
  it.each([
    ['greedy', { max_tokens: 48, temperature: 0 }],
    ['sampling', { max_tokens: 48 }],
    ['beam', { num_beams: 4, max_tokens: 48 }],
    ['beam-sampling', { num_beams: 4, max_tokens: 48, do_sample: true }],
    ['diverse', { num_beams: 4, num_beam_groups: 2, diversity_penalty: 0.5, max_tokens: 48 }],
  ] as const)('for %s has only the fields it needs', (search, expected) => {
    expect(specificFields(withValues(search))).toEqual(expected);
    expect(isValid(toRequest(withValues(search)))).toBe(true);
  });

  it('requests everything that the page draws', () => {
    expect(toRequest(withValues('beam'))).toMatchObject({
      prompt: 'a',
      logprobs: 5,
      stream: true,
      stream_options: { include_usage: true, include_beams: true },
    });
    expect(toRequest(withValues('sampling')).stream_options).toEqual({ include_usage: true });
  });

  it('omits defaults of the API and fields that do not apply', () => {
    const values = { max_tokens: '16', temperature: '0.5', length_penalty: '2', top_p: '1', seed: '' };
    expect(specificFields(withValues('sampling', values))).toEqual({ temperature: 0.5 });
    expect(specificFields(withValues('greedy', values))).toEqual({ temperature: 0 });
    expect(specificFields(withValues('beam', values))).toEqual({ num_beams: 4, length_penalty: 2 });
  });

  it('converts each field to the type in the API', () => {
    const values = { early_stopping: 'true', stop: 'The end\n\\n\\n\na\\\\n', min_tokens: '3', n: '2' };
    const fields = specificFields(withValues('beam', values));
    expect(fields).toMatchObject({
      early_stopping: true,
      stop: ['The end', '\n\n', 'a\\n'],
      min_tokens: 3,
      n: 2,
    });
    expect(specificFields(withValues('beam', { early_stopping: 'never' }))).toMatchObject({
      early_stopping: 'never',
    });
  });

  it('names an adapter, and asks for texts longer than the context', () => {
    expect(toRequest(WITH_ADAPTER)).toMatchObject({ model: 'poet' });
    expect(toSuggestion('poet', 'titles', 'The')).toMatchObject({ model: 'poet', text: 'The' });
    expect(toListSearch('', 'titles', 'The')).not.toHaveProperty('model');
    const values = { truncation: 'auto', n_keep: '-1', n_discard: '0' };
    expect(specificFields(withValues('greedy', values))).toMatchObject({ truncation: 'auto', n_keep: -1 });
  });

  it('sends an invalid number as typed, so that the API reports it', () => {
    expect(specificFields(withValues('sampling', { temperature: 'hot' }))).toMatchObject({
      temperature: 'hot',
    });
  });

  it.each(EXAMPLES)('for the example “$title” is valid', ({ settings }) => {
    expect(isValid(toRequest(settings))).toBe(true);
    const names = Object.keys(settings.values);
    expect(fieldsOf(settings.search)).toEqual(expect.arrayContaining(names));
  });
});

describe('a constraint', () => {
  const sent = (kind: ConstraintKind, text: string) =>
    toRequest({ ...INITIAL_SETTINGS, constraint: { kind, text } }).structured_outputs;

  it('is sent as vLLM names it', () => {
    expect(sent('choice', ' a cat\n\n a\\ndog\n')).toEqual({ choice: [' a cat', ' a\ndog'] });
    expect(sent('regex', '\\d+\\n')).toEqual({ regex: '\\d+\\n' });
    expect(sent('json', ' { "type": "object" } ')).toEqual({ json: { type: 'object' } });
    expect(toRequest(INITIAL_SETTINGS)).not.toHaveProperty('structured_outputs');
  });

  it('is sent as typed if it is invalid, so that the API reports it', () => {
    expect(sent('json', '{"type": ')).toEqual({ json: '{"type": ' });
    expect(sent('choice', '\n')).toEqual({ choice: [] });
    expect(sent('regex', '(')).toEqual({ regex: '(' });
  });

  it.each(CONSTRAINT_KINDS)('of the kind %s has an example', (kind) => {
    const { example } = CONSTRAINTS[kind];
    expect(sent(kind, example)).toBeTypeOf('object');
    expect(EXAMPLES.map(({ settings }) => settings.constraint)).toContainEqual({ kind, text: example });
  });

  it('is found in the example texts', () => {
    expect(
      new RegExp(`^(?:${CONSTRAINTS.regex.example})$`).test(' Lily and Tom liked to play in the park.'),
    ).toBe(true);
    expect(JSON.parse(CONSTRAINTS.json.example)).toMatchObject({ type: 'object' });
  });
});

describe('a field', () => {
  const numbers = FIELD_NAMES.filter((name) => ['integer', 'number'].includes(FIELDS[name].kind));

  it.each(FIELD_NAMES)('%s has the default of the API', (name) => {
    const { apiDefault } = FIELDS[name];
    const parsed = completionSchema.parse({}) as Record<string, unknown>;
    // These have no default in the schema: the translation to decoding options applies it.
    const schemaDefault = { temperature: '1', seed: '', stop: '' }[name as string] ?? String(parsed[name]);
    expect(apiDefault).toBe(schemaDefault);
  });

  it.each(numbers)('%s has the limits of the API', (name) => {
    const { min, max, kind } = FIELDS[name];
    const isAccepted = (value: number) => isValid({ [name]: value });
    if (max !== undefined) expect([isAccepted(max), isAccepted(max + 1)]).toEqual([true, false]);
    if (kind === 'integer') expect(isAccepted(2.5)).toBe(false);
    // The API accepts 1 beam or group, but the form starts at 2. Fields "above 0" have a `min` of 0.
    if (min === undefined) expect(isAccepted(-5)).toBe(true);
    else if (min !== 2) expect(isAccepted(min - 1)).toBe(false);
    if (min !== undefined && name !== 'repetition_penalty') expect(isAccepted(min)).toBe(true);
  });

  it.each(FIELD_NAMES)('%s has a description of one line', (name) => {
    expect(FIELDS[name].description).toMatch(/^\S.{10,110}\.$/);
  });

  it('applies to at least one search', () => {
    const applied = new Set(SEARCH_NAMES.flatMap(fieldsOf));
    expect([...applied].sort()).toEqual([...FIELD_NAMES].sort());
  });
});

it.each(['9223372036854775807', '-9007199254740993', '18446744073709551615'])(
  'keeps the digits of the seed %s',
  (seed) => {
    const request = toRequest({ prompt: 'Hi', search: 'sampling', values: { seed } });
    expect(JSON.stringify(request)).toContain(`"seed":${seed},`);
  },
);

describe('the URL fragment', () => {
  it('is empty for the initial settings', () => {
    expect(toFragment(INITIAL_SETTINGS)).toBe('');
    expect(fromFragment('')).toEqual({ settings: INITIAL_SETTINGS, run: false });
  });

  it('has only values that differ from the initial ones, under the names of the API', () => {
    const values = { num_beams: '8', max_tokens: '48', length_penalty: '0.5' };
    expect(toFragment({ prompt: 'A dog & a cat', search: 'beam', values })).toBe(
      'prompt=A+dog+%26+a+cat&num_beams=8&length_penalty=0.5',
    );
  });

  it('has the adapter', () => {
    expect(toFragment(WITH_ADAPTER)).toBe('model=poet');
    expect(fromFragment('#model=poet').settings).toEqual(WITH_ADAPTER);
    expect(fromFragment('#model=').settings).toEqual(INITIAL_SETTINGS);
  });

  it('fills the form, and starts the search only with run=1', () => {
    const { settings, run } = fromFragment('#prompt=Hi&search=diverse&num_beams=6&run=1&nonsense=1&top_k=5');
    expect(settings).toEqual({ prompt: 'Hi', search: 'diverse', values: { num_beams: '6' } });
    expect(run).toBe(true);
    expect(fromFragment('#search=none&run=0')).toEqual({ settings: INITIAL_SETTINGS, run: false });
  });

  it('has the constraint under its name in structured_outputs', () => {
    const settings = { ...INITIAL_SETTINGS, constraint: { kind: 'regex', text: ' \\d+\n' } } as const;
    expect(toFragment(settings)).toBe('regex=+%5Cd%2B%0A');
    expect(fromFragment('#regex=+%5Cd%2B%0A').settings).toEqual(settings);
    expect(fromFragment('#choice=').settings.constraint).toEqual({ kind: 'choice', text: '' });
  });

  it('round-trips the settings of every search', () => {
    const constraint = fc.record({
      kind: fc.constantFrom(...CONSTRAINT_KINDS),
      text: fc.string({ unit: 'binary' }),
    });
    const anySettings = fc
      .record({
        ...{ constraint: fc.option(constraint, { nil: undefined }) },
        prompt: fc.string({ unit: 'binary' }),
        search: fc.constantFrom(...SEARCH_NAMES),
        ...{ model: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }) },
        values: fc.dictionary(fc.constantFrom(...FIELD_NAMES), fc.string({ unit: 'grapheme' })),
      })
      .map((settings) => settings as Settings);
    fc.assert(
      fc.property(anySettings, (settings) => {
        const { settings: decoded } = fromFragment(toFragment(settings));
        expect(toRequest(decoded)).toEqual(toRequest(settings));
      }),
    );
  });
});
