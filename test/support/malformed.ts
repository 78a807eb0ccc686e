/**
 * @module Invalid requests for all contracts. A row has the invalid fields, the field that the error must
 * name, and the rest of the message after the name: the limit and the value.
 */

export type Malformed = readonly [request: object, field: string, fault: string];

const LARGEST = Number.MAX_SAFE_INTEGER;

/** Invalid values of fields that all contracts share. */
export const VALUES: readonly Malformed[] = [
  [{ num_beams: 0 }, 'num_beams', 'must be at least 1, not 0'],
  [{ num_beams: 257 }, 'num_beams', 'must be at most 256, not 257'],
  [{ num_beams: '4' }, 'num_beams', 'must be a number, not "4"'],
  [{ catalogue: '' }, 'catalogue', 'must have at least 1 character, not 0'],
  [{ catalogue: 5 }, 'catalogue', 'must be a string, not 5'],
  [{ catalogue: 'titles', catalogue_weight: -1 }, 'catalogue_weight', 'must be at least 0, not -1'],
  [{ catalogue: 'titles', catalogue_prefix: [] }, 'catalogue_prefix', 'must be a string, not []'],
  [{ num_beam_groups: 1.5 }, 'num_beam_groups', 'must be a whole number, not 1.5'],
  [{ diversity_penalty: -1 }, 'diversity_penalty', 'must be at least 0, not -1'],
  [{ length_penalty: '1' }, 'length_penalty', 'must be a number, not "1"'],
  [{ early_stopping: 'always' }, 'early_stopping', 'must be true, false or "never", not "always"'],
  [{ early_stopping: 1 }, 'early_stopping', 'must be true, false or "never", not 1'],
  [{ min_new_tokens: -1 }, 'min_new_tokens', 'must be at least 0, not -1'],
  [{ min_new_tokens: 2 ** 53 }, 'min_new_tokens', `must be at most ${LARGEST}, not ${2 ** 53}`],
  [{ top_k: -2 }, 'top_k', 'must be at least -1, not -2'],
  [{ top_k: 1.5 }, 'top_k', 'must be a whole number, not 1.5'],
  [{ top_k: {} }, 'top_k', 'must be a number, not {}'],
  [{ top_h: 0 }, 'top_h', 'must be more than 0, not 0'],
  [{ min_p: 1.1 }, 'min_p', 'must be at most 1, not 1.1'],
  [{ typical_p: 0 }, 'typical_p', 'must be more than 0, not 0'],
  [{ typical_p: 1.5 }, 'typical_p', 'must be at most 1, not 1.5'],
  [{ epsilon_cutoff: 1 }, 'epsilon_cutoff', 'must be less than 1, not 1'],
  [{ eta_cutoff: -1 }, 'eta_cutoff', 'must be at least 0, not -1'],
  [{ repetition_penalty: 0 }, 'repetition_penalty', 'must be more than 0, not 0'],
  [{ repetition_penalty: 1e-300 }, 'repetition_penalty', 'must be at least 0.000001, not 1e-300'],
  [{ num_beams: 2, length_penalty: -400 }, 'length_penalty', 'must be at least -10, not -400'],
  [{ num_beams: 2, length_penalty: 1e308 }, 'length_penalty', 'must be at most 10, not 1e+308'],
  [{ sequence_bias: [[[1], 1e39]] }, 'sequence_bias.0.1', 'must be at most 1000000000, not 1e+39'],
  [{ sequence_bias: [[[1], -1e39]] }, 'sequence_bias.0.1', 'must be at least -1000000000, not -1e+39'],
  [{ diversity_penalty: 1e39 }, 'diversity_penalty', 'must be at most 1000000000, not 1e+39'],
  [{ no_repeat_ngram_size: -1 }, 'no_repeat_ngram_size', 'must be at least 0, not -1'],
  [{ bad_words_ids: [1] }, 'bad_words_ids.0', 'must be an array, not 1'],
  [{ bad_words_ids: [[1], []] }, 'bad_words_ids.1', 'must have at least 1 element, not 0'],
  [{ bad_words_ids: [[1, -1]] }, 'bad_words_ids.0.1', 'must be at least 0, not -1'],
  [{ sequence_bias: {} }, 'sequence_bias', 'must be an array, not {}'],
  [{ sequence_bias: [[1, 2]] }, 'sequence_bias.0.0', 'must be an array, not 1'],
  [{ sequence_bias: [[[1]]] }, 'sequence_bias.0', 'must have at least 2 elements, not 1'],
  [{ sequence_bias: [[[1], 2, 3]] }, 'sequence_bias.0', 'must have at most 2 elements, not 3'],
  [{ sequence_bias: [[[1], 'a']] }, 'sequence_bias.0.1', 'must be a number, not "a"'],
  [{ sequence_bias: [[[], 1]] }, 'sequence_bias.0.0', 'must have at least 1 element, not 0'],
  [{ suppress_tokens: 5 }, 'suppress_tokens', 'must be an array, not 5'],
  [{ begin_suppress_tokens: [0.5] }, 'begin_suppress_tokens.0', 'must be a whole number, not 0.5'],
  [{ allowed_token_ids: [] }, 'allowed_token_ids', 'must have at least 1 element, not 0'],
  [{ token_healing: 'yes' }, 'token_healing', 'must be a boolean, not "yes"'],
  [{ dry_multiplier: -1 }, 'dry_multiplier', 'must be at least 0, not -1'],
  [{ dry_multiplier: 1, dry_base: 0.5 }, 'dry_base', 'must be at least 1, not 0.5'],
  [{ dry_penalty_last_n: -2 }, 'dry_penalty_last_n', 'must be at least -1, not -2'],
  [{ dry_sequence_breakers: ':' }, 'dry_sequence_breakers', 'must be an array, not ":"'],
  [{ xtc_probability: 1.5 }, 'xtc_probability', 'must be at most 1, not 1.5'],
  [{ xtc_threshold: -0.1 }, 'xtc_threshold', 'must be at least 0, not -0.1'],
  [{ guidance_scale: 101 }, 'guidance_scale', 'must be at most 100, not 101'],
  [{ negative_prompt_ids: [] }, 'negative_prompt_ids', 'must have at least 1 element, not 0'],
  [{ negative_prompt: 5 }, 'negative_prompt', 'must be a string, not 5'],
  [
    { forced_eos_token_id: 'x' },
    'forced_eos_token_id',
    'must be a token id or a non-empty list of token ids, not "x"',
  ],
  [{ forced_eos_token_id: -1 }, 'forced_eos_token_id', 'must be at least 0, not -1'],
  [{ forced_eos_token_id: [1, 'x'] }, 'forced_eos_token_id.1', 'must be a number, not "x"'],
  [
    { exponential_decay_length_penalty: [-1, 2] },
    'exponential_decay_length_penalty.0',
    'must be at least 0, not -1',
  ],
  [{ eos_token_id: 'x' }, 'eos_token_id', 'must be a token id or a list of token ids, not "x"'],
  [{ eos_token_id: [-1] }, 'eos_token_id.0', 'must be at least 0, not -1'],
  [{ stop_token_ids: 'x' }, 'stop_token_ids', 'must be an array, not "x"'],
  [{ ignore_eos: 'x' }, 'ignore_eos', 'must be a boolean, not "x"'],
  [{ renormalize_logits: 0 }, 'renormalize_logits', 'must be a boolean, not 0'],
  [{ remove_invalid_values: [] }, 'remove_invalid_values', 'must be a boolean, not []'],
  [{ do_sample: 'yes' }, 'do_sample', 'must be a boolean, not "yes"'],
  [{ allow_incomplete: 'yes' }, 'allow_incomplete', 'must be a boolean, not "yes"'],
  [{ truncation: 'left' }, 'truncation', 'must be "auto" or "disabled", not "left"'],
  [{ truncation: true }, 'truncation', 'must be "auto" or "disabled", not true'],
  [{ n_keep: -2 }, 'n_keep', 'must be at least -1, not -2'],
  [{ n_keep: 1.5 }, 'n_keep', 'must be a whole number, not 1.5'],
  [{ n_discard: -1 }, 'n_discard', 'must be at least 0, not -1'],
  [{ n_discard: '8' }, 'n_discard', 'must be a number, not "8"'],
  ...['Temperature', 'max_length', 'constructor', 'toString', 'hasOwnProperty'].map(
    (field): Malformed => [{ [field]: 'x' }, field, 'is not a supported field'],
  ),
];

const VOCABULARY = 'must have token ids below 8192, the size of the vocabulary, not 8192';

/** Values that are invalid in combination, or for the model's vocabulary. */
export const COMBINATIONS: readonly Malformed[] = [
  [{ sequence_bias: [[[1, 8192], 1]] }, 'sequence_bias', VOCABULARY],
  [{ bad_words_ids: [[8192]] }, 'bad_words_ids', VOCABULARY],
  [{ suppress_tokens: [1, 8192] }, 'suppress_tokens', VOCABULARY],
  [{ begin_suppress_tokens: [8192] }, 'begin_suppress_tokens', VOCABULARY],
  [{ allowed_token_ids: [8192] }, 'allowed_token_ids', VOCABULARY],
  [{ guidance_scale: 2, negative_prompt_ids: [8192] }, 'negative_prompt_ids', VOCABULARY],
  [{ forced_eos_token_id: 8192 }, 'forced_eos_token_id', VOCABULARY],
  [{ eos_token_id: 8192 }, 'eos_token_id', VOCABULARY],
  [{ stop_token_ids: [8192] }, 'stop_token_ids', VOCABULARY],
  [{ length_penalty: 2 }, 'length_penalty', 'is 2, which only beam search uses: num_beams is 1'],
  [{ early_stopping: true }, 'early_stopping', 'is true, which only beam search uses: num_beams is 1'],
  [
    { diversity_penalty: 1 },
    'diversity_penalty',
    'is 1, which only groups of beams use: num_beam_groups is 1',
  ],
  [{ num_beams: 4, top_k: 5 }, 'top_k', 'is 5, which only sampling uses: do_sample is false'],
  [{ num_beams: 4, top_p: 0.5 }, 'top_p', 'is 0.5, which only sampling uses: do_sample is false'],
  [{ dry_base: 2 }, 'dry_base', 'is 2, which has no effect: dry_multiplier is 0'],
  [{ xtc_threshold: 0.2 }, 'xtc_threshold', 'is 0.2, which has no effect: xtc_probability is 0'],
  [{ negative_prompt_ids: [1] }, 'negative_prompt_ids', 'is [1], which has no effect: guidance_scale is 1'],
  [
    { truncation: 'auto', guidance_scale: 2 },
    'truncation',
    'must be "disabled" beside guidance, whose prompts must stay in view, not "auto"',
  ],
  [{ num_beams: 4, top_h: 0.5 }, 'top_h', 'is 0.5, which only sampling uses: do_sample is false'],
  [{ num_beams: 4, min_p: 0.1 }, 'min_p', 'is 0.1, which only sampling uses: do_sample is false'],
  [{ num_beam_groups: 2 }, 'num_beam_groups', 'must be a divisor of num_beams, 1, not 2'],
  [{ num_beams: 4, num_beam_groups: 3 }, 'num_beam_groups', 'must be a divisor of num_beams, 4, not 3'],
  [
    { num_beams: 4, num_beam_groups: 2, diversity_penalty: 1, do_sample: true },
    'num_beam_groups',
    'must be 1 when do_sample is true, not 2',
  ],
  [{ num_beams: 4, num_beam_groups: 2 }, 'diversity_penalty', 'must be more than 0 with 2 groups'],
  [
    { forced_eos_token_id: [11, 13], suppress_tokens: [13], allowed_token_ids: [5, 13] },
    'forced_eos_token_id',
    "must have a token that 'suppress_tokens' and 'allowed_token_ids' allow at the last position, not 11, 13",
  ],
  [{ allow_incomplete: true }, 'allow_incomplete', 'needs a constraint, and none was given'],
  [{ n_keep: 4 }, 'n_keep', 'must be 0 where truncation is "disabled", not 4'],
  [{ n_keep: -1, truncation: 'disabled' }, 'n_keep', 'must be 0 where truncation is "disabled", not -1'],
  [{ n_discard: 4, truncation: null }, 'n_discard', 'must be 0 where truncation is "disabled", not 4'],
  [
    { truncation: 'auto', n_keep: 512 },
    'n_keep',
    'must be at most 511, which leaves room for a token in the context, not 512',
  ],
  [
    { truncation: 'auto', n_discard: 513 },
    'n_discard',
    'must be at most 512, the tokens in the context that are not kept, not 513',
  ],
];

type Body = string | Uint8Array<ArrayBuffer> | null;

const utf16 = (text: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Uint16Array.from(text, (character) => character.charCodeAt(0)).buffer);

const latin1 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

const JSON_TYPE = 'application/json';
const NOT_JSON = 'The request body is not valid JSON: ';
const NOT_UTF8 = 'The request body is not valid UTF-8';
const NO_OBJECT = 'The request body must be an object, not ';

/** Bodies that every contract refuses. */
export const BODIES: readonly (readonly [
  name: string,
  body: Body,
  type: string,
  status: number,
  message: string,
])[] = [
  ['an empty body', null, JSON_TYPE, 400, 'The request body is empty'],
  ['only white space', ' \n', JSON_TYPE, 400, 'The request body is empty'],
  ['truncated JSON', '{"prompt": "a', JSON_TYPE, 400, NOT_JSON],
  ['a trailing comma', '{"prompt": "a",}', JSON_TYPE, 400, NOT_JSON],
  ['two objects', '{"prompt": "a"}{"prompt": "a"}', JSON_TYPE, 400, NOT_JSON],
  ['single quotes', "{'prompt': 'a'}", JSON_TYPE, 400, NOT_JSON],
  ['NaN', '{"temperature": NaN}', JSON_TYPE, 400, NOT_JSON],
  ['Infinity', '{"temperature": -Infinity}', JSON_TYPE, 400, NOT_JSON],
  ['a number in hexadecimal', '{"seed": 0x10}', JSON_TYPE, 400, NOT_JSON],
  ['a line break in a string', '{"prompt": "a\nb"}', JSON_TYPE, 400, NOT_JSON],
  ['unclosed brackets', '['.repeat(19_000), JSON_TYPE, 400, NOT_JSON],
  ['form data', 'prompt=a', JSON_TYPE, 400, NOT_JSON],
  ['UTF-16', utf16('{"prompt": "a"}'), JSON_TYPE, 400, NOT_JSON],
  ['UTF-16 with a byte order mark', utf16('\u{FEFF}{"prompt": "a"}'), JSON_TYPE, 400, NOT_UTF8],
  ['Latin-1', latin1('{"prompt": "na\u00EFf"}'), JSON_TYPE, 400, NOT_UTF8],
  ['a truncated UTF-8 sequence', latin1('{"prompt": "\u00E2\u0080"}'), JSON_TYPE, 400, NOT_UTF8],
  ['a surrogate in UTF-8', latin1('{"prompt": "\u00ED\u00A0\u0080"}'), JSON_TYPE, 400, NOT_UTF8],
  ['a list', '[{"prompt": "a"}]', JSON_TYPE, 400, `${NO_OBJECT}[{"prompt":"a"}]`],
  ['a string', '"a"', JSON_TYPE, 400, `${NO_OBJECT}"a"`],
  ['a number', '1e999', JSON_TYPE, 400, `${NO_OBJECT}Infinity`],
  ['null', 'null', JSON_TYPE, 400, `${NO_OBJECT}null`],
  ['true', 'true', JSON_TYPE, 400, `${NO_OBJECT}true`],
  // Counted as 8 values each: more brackets than this are a 413.
  ['deeply nested brackets', '['.repeat(19_000) + ']'.repeat(19_000), JSON_TYPE, 400, NO_OBJECT],
  [
    'the key __proto__',
    '{"__proto__": {"prompt": "a"}}',
    JSON_TYPE,
    400,
    "'__proto__' is not a supported field",
  ],
  ['plain text', '{}', 'text/plain', 415, "must be application/json, it is 'text/plain'"],
  ['no content type', latin1('{}'), '', 415, "must be application/json, it is ''"],
  ['the content type of a form', 'a=b', 'application/x-www-form-urlencoded', 415, 'must be application/json'],
  [
    'a content type that only begins with application/json',
    '{}',
    'application/jsonp',
    415,
    "it is 'application/jsonp'",
  ],
  [
    'more than a megabyte',
    `{"prompt": "${'a'.repeat(2 ** 20)}"}`,
    JSON_TYPE,
    413,
    'larger than 1048576 bytes',
  ],
];
