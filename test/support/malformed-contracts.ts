/** @module Invalid requests for one contract each. Rows are as in `malformed.ts`. */
import type { Malformed } from './malformed.ts';

const nested = (depth: number): unknown => {
  let value: unknown = [];
  for (let i = 1; i < depth; i++) value = [value];
  return value;
};

const PROMPT_TYPES = 'must be a string, a list of token ids, or a list of up to 128 of either, not';
const STOP_TYPES = 'must be a string of 1 to 1024 characters, or a list of up to 64 of them, not';
const LARGEST = Number.MAX_SAFE_INTEGER;

const FORMATS = 'must be "text" or "json_object" or "json_schema"';
const TGI_TYPES = 'must be "json" or "json_object" or "json_schema" or "regex"';
const NOT_SUPPORTED = 'is not a supported field';

const notSupported = (fields: readonly string[]): Malformed[] =>
  fields.map((field) => [{ [field]: 'x' }, field, NOT_SUPPORTED]);

/** Constraints of `/v1/completions`. */
const COMPLETION_CONSTRAINTS: readonly Malformed[] = [
  [{ response_format: 'json' }, 'response_format', 'must be an object, not "json"'],
  [{ response_format: {} }, 'response_format.type', `is missing: it ${FORMATS}`],
  [
    { response_format: { type: 'structural_tag' } },
    'response_format.type',
    `${FORMATS}, not "structural_tag"`,
  ],
  [
    { response_format: { type: 'json_schema' } },
    'response_format.json_schema',
    "is missing: 'response_format.type' is json_schema",
  ],
  [
    { response_format: { type: 'json_schema', json_schema: { name: 'a' } } },
    'response_format.json_schema.schema',
    'is missing: it must be an object',
  ],
  [
    { response_format: { type: 'json_schema', json_schema: { schema: {}, other: 1 } } },
    'response_format.json_schema.other',
    NOT_SUPPORTED,
  ],
  [
    { response_format: { type: 'json_schema', schema: {} } },
    'response_format.schema',
    "must not be given where 'response_format.type' is json_schema",
  ],
  [{ structured_outputs: [] }, 'structured_outputs', 'must be an object, not []'],
  [
    { structured_outputs: { choice: [] } },
    'structured_outputs.choice',
    'must have at least 1 element, not 0',
  ],
  [{ structured_outputs: { structural_tag: 'x' } }, 'structured_outputs.structural_tag', NOT_SUPPORTED],
  [
    { structured_outputs: { whitespace_pattern: ' ' } },
    'structured_outputs.whitespace_pattern',
    NOT_SUPPORTED,
  ],
  [
    { structured_outputs: { disable_any_whitespace: true } },
    'structured_outputs.disable_any_whitespace',
    'must be false, not true',
  ],
  [
    { structured_outputs: { choice: ['a'], regex: 'a' } },
    'structured_outputs.regex',
    "must not be given beside 'structured_outputs.choice': a text has one constraint",
  ],
  [{ guided_choice: 'a' }, 'guided_choice', 'must be an array, not "a"'],
  [{ guided_choice: ['a', ''] }, 'guided_choice.1', 'must have at least 1 character, not 0'],
  [
    { guided_choice: new Array(1001).fill('a') },
    'guided_choice',
    'must have at most 1000 elements, not 1001',
  ],
  [{ guided_regex: 5 }, 'guided_regex', 'must be a string, not 5'],
  [{ guided_json: 5 }, 'guided_json', 'must be a JSON schema: an object, or its JSON text, not 5'],
  [{ guided_json: '{' }, 'guided_json', 'is not valid JSON: '],
  [{ guided_json: '[]' }, 'guided_json', 'must be an object, not []'],
  [{ guided_decoding_backend: 'outlines' }, 'guided_decoding_backend', 'must be "auto", not "outlines"'],
  [{ guided_whitespace_pattern: ' ' }, 'guided_whitespace_pattern', NOT_SUPPORTED],
  [{ grammar: 5 }, 'grammar', "must be GBNF, or TGI's object of type and value, not 5"],
  [{ grammar: { type: 'ebnf', value: 'x' } }, 'grammar.type', `${TGI_TYPES}, not "ebnf"`],
  [{ grammar: { type: 'regex', value: {} } }, 'grammar.value', 'must be a string, not {}'],
  [{ json_schema: [] }, 'json_schema', 'must be a JSON schema: an object, or its JSON text, not []'],
  [{ regex: {} }, 'regex', 'must be a string, not {}'],
  [
    { regex: 'a', ebnf: 'root ::= "a"' },
    'ebnf',
    "must not be given beside 'regex': a text has one constraint",
  ],
];

export const OPENAI: readonly Malformed[] = [
  ...COMPLETION_CONSTRAINTS,
  [{ prompt: 5 }, 'prompt', `${PROMPT_TYPES} 5`],
  [{ prompt: {} }, 'prompt', `${PROMPT_TYPES} {}`],
  [{ prompt: [true] }, 'prompt', `${PROMPT_TYPES} [true]`],
  [{ prompt: [null] }, 'prompt', `${PROMPT_TYPES} [null]`],
  [{ prompt: [] }, 'prompt', 'must have at least 1 element, not 0'],
  [{ prompt: [[]] }, 'prompt.0', 'must have at least 1 element, not 0'],
  [{ prompt: [[1], []] }, 'prompt.1', 'must have at least 1 element, not 0'],
  [{ prompt: [1, -2] }, 'prompt.1', 'must be at least 0, not -2'],
  [{ prompt: [1.5] }, 'prompt.0', 'must be a whole number, not 1.5'],
  [{ prompt: [1, 'a'] }, 'prompt.1', 'must be a number, not "a"'],
  [{ prompt: ['a', 1] }, 'prompt.1', 'must be a string, not 1'],
  [{ prompt: ['a', null] }, 'prompt.1', 'must be a string, not null'],
  [{ prompt: [[1], [2, -3]] }, 'prompt.1.1', 'must be at least 0, not -3'],
  [{ prompt: [[1], 'a'] }, 'prompt.1', 'must be an array, not "a"'],
  [{ prompt: [['a']] }, 'prompt.0.0', 'must be a number, not "a"'],
  [{ prompt: [1, 8192] }, 'prompt.1', 'must be below 8192, the size of the vocabulary, not 8192'],
  [{ prompt: [[1], [8192]] }, 'prompt.1.0', 'must be below 8192, the size of the vocabulary, not 8192'],
  [{ prompt: [2 ** 53] }, 'prompt.0', `must be at most ${LARGEST}, not ${2 ** 53}`],
  [{ prompt: new Array(129).fill('a') }, 'prompt', 'must have at most 128 elements, not 129'],
  [{ prompt: new Array(129).fill([1]) }, 'prompt', 'must have at most 128 elements, not 129'],
  [{ prompt: nested(1000) }, 'prompt.0.0', `must be a number, not ${'['.repeat(40)}…`],
  [{ max_tokens: -1 }, 'max_tokens', 'must be at least 0, not -1'],
  [{ max_tokens: 1.5 }, 'max_tokens', 'must be a whole number, not 1.5'],
  [{ max_tokens: '5' }, 'max_tokens', 'must be a number, not "5"'],
  [{ max_tokens: 1e300 }, 'max_tokens', `must be at most ${LARGEST}, not 1e+300`],
  [{ temperature: -0.1 }, 'temperature', 'must be at least 0, not -0.1'],
  [{ temperature: 2.1 }, 'temperature', 'must be at most 2, not 2.1'],
  [{ temperature: 'hot' }, 'temperature', 'must be a number, not "hot"'],
  [{ top_p: 1.1 }, 'top_p', 'must be at most 1, not 1.1'],
  [{ n: 0 }, 'n', 'must be at least 1, not 0'],
  [{ n: 129 }, 'n', 'must be at most 128, not 129'],
  [{ best_of: 21 }, 'best_of', 'must be at most 20, not 21'],
  [{ seed: 0.5 }, 'seed', 'must be a whole number, not 0.5'],
  [{ seed: 1e19 }, 'seed', 'must be at most 9223372036854775807, not 10000000000000000000'],
  [{ suffix: 'x' }, 'suffix', 'must be "", not "x"'],
  [{ tools: [] }, 'tools', 'is not a supported field'],
  [{ functions: [] }, 'functions', 'is not a supported field'],
  [{ stop: 5 }, 'stop', `${STOP_TYPES} 5`],
  [{ stop: {} }, 'stop', `${STOP_TYPES} {}`],
  [{ stop: '' }, 'stop', 'must have at least 1 character, not 0'],
  [{ stop: ['a', ''] }, 'stop.1', 'must have at least 1 character, not 0'],
  [{ stop: ['a', 5] }, 'stop.1', 'must be a string, not 5'],
  [{ stop: new Array(65).fill('a') }, 'stop', 'must have at most 64 elements, not 65'],
  [{ stop: 'x'.repeat(1025) }, 'stop', 'must have at most 1024 characters, not 1025'],
  [{ presence_penalty: -2.1 }, 'presence_penalty', 'must be at least -2, not -2.1'],
  [{ frequency_penalty: 3 }, 'frequency_penalty', 'must be at most 2, not 3'],
  [{ logit_bias: [1] }, 'logit_bias', 'must be an object, not [1]'],
  [{ logit_bias: { a: 1 } }, 'logit_bias.a', 'has a key that must be a token id, not "a"'],
  [{ logit_bias: { '-1': 1 } }, 'logit_bias.-1', 'has a key that must be a token id, not "-1"'],
  [{ logit_bias: { '': 1 } }, 'logit_bias.', 'has a key that must be a token id, not ""'],
  [{ logit_bias: { 5: 101 } }, 'logit_bias.5', 'must be at most 100, not 101'],
  [{ logit_bias: { 8192: 1 } }, 'logit_bias', 'must have token ids below 8192, the size of the vocabulary'],
  [{ logprobs: -1 }, 'logprobs', 'must be at least 0, not -1'],
  [{ logprobs: 21 }, 'logprobs', 'must be at most 20, not 21'],
  [{ prompt_logprobs: 21 }, 'prompt_logprobs', 'must be at most 20, not 21'],
  [{ prompt_logprobs: -1 }, 'prompt_logprobs', 'must be at least 0, not -1'],
  [
    { prompt_logprobs: 1, stream: true },
    'prompt_logprobs',
    "must not be given where 'stream' is true, not 1",
  ],
  [{ logprobs: true }, 'logprobs', 'must be a number, not true'],
  [{ echo: 1 }, 'echo', 'must be a boolean, not 1'],
  [{ stream: 'yes' }, 'stream', 'must be a boolean, not "yes"'],
  [{ model: 5 }, 'model', 'must be a string, not 5'],
  [{ user: 'x'.repeat(257) }, 'user', 'must have at most 256 characters, not 257'],
  [{ min_tokens: -1 }, 'min_tokens', 'must be at least 0, not -1'],
  [{ cache_salt: '' }, 'cache_salt', 'must have at least 1 character, not 0'],
  [{ cache_salt: 5 }, 'cache_salt', 'must be a string, not 5'],
  [{ use_beam_search: 'yes' }, 'use_beam_search', 'must be a boolean, not "yes"'],
  [{ messages: [] }, 'messages', 'is not a supported field'],
  [{ '': 1 }, '', 'is not a supported field'],
  [{ n: 3, best_of: 2 }, 'best_of', 'must be at least n, 3, not 2'],
  [{ best_of: 2, stream: true }, 'best_of', "must be 1, as 'n' is, in a stream"],
  [{ best_of: 4, num_beams: 4 }, 'best_of', 'must not be given in beam search, not 4'],
  [{ n: 3, num_beams: 2 }, 'n', 'must be at most num_beams, 2, not 3'],
  [{ num_beams: 2, temperature: 0.5 }, 'temperature', 'must be 0 or 1 in beam search'],
  [
    { do_sample: true, temperature: 0 },
    'temperature',
    'must be at least 0.00001 where do_sample is true, not 0',
  ],
  [
    { stream_options: { include_usage: true } },
    'stream_options',
    "must not be given where 'stream' is false",
  ],
  [{ stream: true, stream_options: true }, 'stream_options', 'must be an object, not true'],
  [
    { stream: true, stream_options: { include_usage: 'yes' } },
    'stream_options.include_usage',
    'must be a boolean, not "yes"',
  ],
  [
    { stream: true, stream_options: { include_beams: true } },
    'stream_options.include_beams',
    'must be false where num_beams is 1, not true',
  ],
  [
    { forced_eos_token_id: 13, begin_suppress_tokens: [13], max_tokens: 1 },
    'forced_eos_token_id',
    "must have a token that 'begin_suppress_tokens' allow at the only position of a text of one token, not 13",
  ],
  [{ stream: true, stream_options: { other: 1 } }, 'stream_options.other', 'is not a supported field'],
];

/** Invalid fields of `parameters`. */
export const TGI_PARAMETERS: readonly Malformed[] = [
  [{ max_new_tokens: 0 }, 'max_new_tokens', 'must be at least 1, not 0'],
  [{ max_new_tokens: 1.5 }, 'max_new_tokens', 'must be a whole number, not 1.5'],
  [{ max_new_tokens: '5' }, 'max_new_tokens', 'must be a number, not "5"'],
  [{ temperature: 0 }, 'temperature', 'must be more than 0, not 0'],
  [{ temperature: 101 }, 'temperature', 'must be at most 100, not 101'],
  [{ top_p: 0 }, 'top_p', 'must be more than 0, not 0'],
  [{ frequency_penalty: 3 }, 'frequency_penalty', 'must be at most 2, not 3'],
  [{ seed: -1 }, 'seed', 'must be at least 0, not -1'],
  [{ seed: 2 ** 65 }, 'seed', 'must be at most 18446744073709551615, not 36893488147419103000'],
  [{ suffix: 'x' }, 'suffix', 'is not a supported field'],
  [{ tools: [] }, 'tools', 'is not a supported field'],
  [{ functions: [] }, 'functions', 'is not a supported field'],
  [{ stop: 'a' }, 'stop', 'must be an array, not "a"'],
  [{ stop: ['a', ''] }, 'stop.1', 'must have at least 1 character, not 0'],
  [{ stop: [1] }, 'stop.0', 'must be a string, not 1'],
  [{ stop: ['x'.repeat(1025)] }, 'stop.0', 'must have at most 1024 characters, not 1025'],
  [{ truncate: 0 }, 'truncate', 'must be at least 1, not 0'],
  [{ best_of: 21 }, 'best_of', 'must be at most 20, not 21'],
  [{ num_return_sequences: 257 }, 'num_return_sequences', 'must be at most 256, not 257'],
  [{ top_n_tokens: 6 }, 'top_n_tokens', 'must be at most 5, not 6'],
  [{ details: 'x' }, 'details', 'must be a boolean, not "x"'],
  [{ decoder_input_details: 1 }, 'decoder_input_details', 'must be a boolean, not 1'],
  [{ return_full_text: 'x' }, 'return_full_text', 'must be a boolean, not "x"'],
  [{ watermark: true }, 'watermark', 'must be false, not true'],
  [{ max_tokens: 5 }, 'max_tokens', NOT_SUPPORTED],
  ...notSupported(['response_format', 'structured_outputs', 'guided_json', 'json_schema', 'regex']),
  [{ grammar: 'root ::= "a"' }, 'grammar', 'must be an object, not "root ::= \\"a\\""'],
  [{ grammar: { value: 'a' } }, 'grammar.type', `is missing: it ${TGI_TYPES}`],
  [{ grammar: { type: 'ebnf', value: 'a' } }, 'grammar.type', `${TGI_TYPES}, not "ebnf"`],
  [
    { grammar: { type: 'regex', value: 5 } },
    'grammar.value',
    'must be a JSON schema (an object, or its JSON text) or a regular expression, not 5',
  ],
];

export const TGI_COMBINATIONS: readonly Malformed[] = [
  [{ grammar: { type: 'regex', value: {} } }, 'parameters.grammar.value', 'must be a string, not {}'],
  [
    { grammar: { type: 'json_schema', value: { name: 'a' } } },
    'parameters.grammar.value.schema',
    'is missing: it must be an object',
  ],
  [{ grammar: { type: 'json', value: '{' } }, 'parameters.grammar.value', 'is not valid JSON: '],
  [
    { do_sample: true, temperature: 1e-40 },
    'temperature',
    'must be at least 0.00001 where do_sample is true, not 1e-40',
  ],
  [{ best_of: 2 }, 'best_of', 'must be 1 where nothing is sampled, not 2'],
  [{ best_of: 2, num_beams: 2, do_sample: true }, 'best_of', 'must be 1 where nothing is sampled, not 2'],
  [{ num_beams: 2, temperature: 0.5 }, 'temperature', 'is 0.5, which only sampling uses: do_sample is false'],
  [
    { best_of: 2, num_return_sequences: 3, do_sample: true, details: true },
    'num_return_sequences',
    'must be at most best_of, 2, not 3',
  ],
  [
    { num_beams: 4, num_return_sequences: 5, details: true },
    'num_return_sequences',
    'must be at most num_beams, 4, not 5',
  ],
  [
    { forced_eos_token_id: 13, begin_suppress_tokens: [13], max_new_tokens: 1 },
    'forced_eos_token_id',
    "must have a token that 'begin_suppress_tokens' allow at the only position of a text of one token, not 13",
  ],
];

/** Invalid bodies of `/generate`, `/` and `/tokenize`. */
export const TGI_BODIES: readonly (readonly [path: string, ...Malformed])[] = [
  ['/generate', {}, 'inputs', 'is missing: it must be a string'],
  ['/generate', { inputs: null }, 'inputs', 'is missing: it must be a string'],
  ['/generate', { inputs: 5 }, 'inputs', 'must be a string, not 5'],
  ['/generate', { inputs: '' }, 'inputs', 'must have at least 1 character, not 0'],
  ['/generate', { inputs: ['a'] }, 'inputs', 'must be a string, not ["a"]'],
  ['/generate', { inputs: 'a', parameters: 5 }, 'parameters', 'must be an object, not 5'],
  ['/generate', { inputs: 'a', parameters: [] }, 'parameters', 'must be an object, not []'],
  ['/generate', { inputs: 'a', other: 1 }, 'other', 'is not a supported field'],
  ['/', { inputs: 'a', stream: 'yes' }, 'stream', 'must be a boolean, not "yes"'],
  ['/', { inputs: 'a', options: true }, 'options', 'must be an object, not true'],
  ['/generate', { inputs: 'a', stream: true }, 'stream', 'must be false, not true'],
  ['/generate_stream', { inputs: 'a', stream: false }, 'stream', 'must be true, not false'],
  ['/tokenize', {}, 'inputs', 'is missing: it must be a string'],
  ['/tokenize', { inputs: '' }, 'inputs', 'must have at least 1 character, not 0'],
  ['/tokenize', { inputs: 'a'.repeat(65_537) }, 'inputs', 'must have at most 65536 characters, not 65537'],
  ['/tokenize', { inputs: 'a', add_special_tokens: 5 }, 'add_special_tokens', 'must be a boolean, not 5'],
  [
    '/tokenize',
    { inputs: 'a', parameters: { details: true } },
    'parameters.details',
    'is not a supported field',
  ],
  [
    '/tokenize',
    { inputs: 'a', parameters: { truncate: 0 } },
    'parameters.truncate',
    'must be at least 1, not 0',
  ],
];

const user = { role: 'user', content: 'a' };

/** Sent with a valid prompt, except for rows about `prompt` or `messages`. */
export const WORKERS_AI: readonly Malformed[] = [
  [{ prompt: '' }, 'prompt', 'must have at least 1 character, not 0'],
  [{ prompt: ['a'] }, 'prompt', 'must be a string, not ["a"]'],
  [{ prompt: null }, 'prompt', "is missing: there must be either it or 'messages'"],
  [{ prompt: 'x'.repeat(131_073) }, 'prompt', 'must have at most 131072 characters, not 131073'],
  [{ messages: [user] }, 'messages', "must not be given beside 'prompt'"],
  [{ messages: [] }, 'prompt', "is missing: there must be either it or 'messages'"],
  [{ messages: 'x' }, 'messages', 'must be an array, not "x"'],
  [{ messages: [user, {}] }, 'messages.1.role', 'is missing: it must be a string'],
  [{ messages: [{ role: 'user', content: ['a'] }] }, 'messages.0.content', 'must be a string, not ["a"]'],
  [{ messages: [{ ...user, name: 'b' }] }, 'messages.0.name', 'is not a supported field'],
  [{ messages: new Array(129).fill(user) }, 'messages', 'must have at most 128 elements, not 129'],
  [{ max_tokens: 0 }, 'max_tokens', 'must be at least 1, not 0'],
  [{ temperature: 5.1 }, 'temperature', 'must be at most 5, not 5.1'],
  [{ top_p: 2.1 }, 'top_p', 'must be at most 2, not 2.1'],
  [{ seed: 0 }, 'seed', 'must be at least 1, not 0'],
  [
    { forced_eos_token_id: 13, begin_suppress_tokens: [13], max_tokens: 1 },
    'forced_eos_token_id',
    "must have a token that 'begin_suppress_tokens' allow at the only position of a text of one token, not 13",
  ],
  [{ seed: 1e10 }, 'seed', 'must be at most 9999999999, not 10000000000'],
  [{ repetition_penalty: 2.1 }, 'repetition_penalty', 'must be at most 2, not 2.1'],
  [{ raw: 'x' }, 'raw', 'must be a boolean, not "x"'],
  [{ tools: [{}] }, 'tools', 'must have at most 0 elements, not 1'],
  [{ functions: 'x' }, 'functions', 'must be an array, not "x"'],
  [{ suffix: 'x' }, 'suffix', NOT_SUPPORTED],
  ...notSupported(['structured_outputs', 'guided_json', 'grammar', 'json_schema', 'regex']),
  [{ response_format: 'json' }, 'response_format', 'must be an object, not "json"'],
  [{ response_format: { type: 'grammar' } }, 'response_format.type', `${FORMATS}, not "grammar"`],
  [
    { response_format: { type: 'json_object', json_schema: {} } },
    'response_format.json_schema',
    "must not be given where 'response_format.type' is json_object",
  ],
  [
    { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: 5 } } },
    'response_format.json_schema.schema',
    'must be an object, not 5',
  ],
  [{ num_beams: 4, temperature: 0.7 }, 'temperature', 'must be 0 or 1 or 0.6 in beam search'],
  [{ stop: ['a'] }, 'stop', 'is not a supported field'],
  [{ n: 2 }, 'n', 'is not a supported field'],
  [
    { do_sample: true, temperature: 0 },
    'temperature',
    'must be at least 0.00001 where do_sample is true, not 0',
  ],
  [{ num_beams: 2, num_return_sequences: 3 }, 'num_return_sequences', 'must be at most num_beams, 2, not 3'],
];
