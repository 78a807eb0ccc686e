/** @module Requests that are refused, with the whole expected error. */
import { expect } from 'vitest';
import type { LoadRequest } from './load-requests.ts';

export interface RefusedRequest {
  readonly request: LoadRequest;
  readonly status: number;
  readonly body: unknown;
}

const PROMPT = 'Once upon a time';
const NO_TOKEN_LEFT = 'the options ban every possible next token: the text cannot continue';

export const REFUSED_REQUESTS: readonly RefusedRequest[] = [
  openAi({ temperature: 3 }, 400, "'temperature' must be at most 2, not 3", 'temperature', 'invalid_value'),
  openAi({ tokens: 3 }, 400, "'tokens' is not a supported field", 'tokens', 'unsupported_field'),
  openAi(
    { model: 'gpt-5' },
    404,
    "The model 'gpt-5' does not exist; this is 'default'",
    'model',
    'model_not_found',
  ),
  openAi(
    { num_beams: 3, num_beam_groups: 2, diversity_penalty: 1 },
    400,
    "'num_beam_groups' must be a divisor of num_beams, 3, not 2",
    'num_beam_groups',
    'invalid_value',
  ),
  openAi(
    { max_tokens: 600, stream: true },
    400,
    "This model's context is 512 tokens, but 604 were requested: 4 in the prompt and 600 in max_tokens",
    'max_tokens',
    'context_length_exceeded',
  ),
  openAi(
    { max_tokens: 400, n: 128, temperature: 1 },
    400,
    // The size of the cache depends on the heap.
    expect.stringMatching(/^This deployment's cache holds \d+ tokens, but the request needs 51076 /),
    'max_tokens',
    'cache_size_exceeded',
  ),
  // These two are refused only after a forward pass.
  openAi(
    { allowed_token_ids: [5], suppress_tokens: [5], stream: true },
    400,
    NO_TOKEN_LEFT,
    null,
    'no_token_left',
  ),
  openAi({ allowed_token_ids: [5], bad_words_ids: [[5, 5]] }, 400, NO_TOKEN_LEFT, null, 'no_token_left'),
  tgi('/generate', { best_of: 2 }, "'best_of' must be 1 where nothing is sampled, not 2"),
  tgi(
    '/generate_stream',
    { do_sample: true, best_of: 2 },
    "'best_of' must be 1 when streaming tokens, not 2",
  ),
  tgi('/', { max_new_tokens: 0 }, "'parameters.max_new_tokens' must be at least 1, not 0"),
  workersAi('default', { num_beams: 2, num_return_sequences: 3 }, 400, 5004, [
    "'num_return_sequences' must be at most num_beams, 2, not 3",
  ]),
  workersAi('llama', {}, 404, 3042, ['No such model llama; this is default']),
];

function openAi(
  fields: object,
  status: number,
  message: unknown,
  param: string | null,
  code: string,
): RefusedRequest {
  const body = { prompt: PROMPT, max_tokens: 4, temperature: 0, ...fields };
  return {
    request: { path: '/v1/completions', body, streams: false },
    status,
    body: { error: { message, type: 'invalid_request_error', param, code } },
  };
}

function tgi(path: string, parameters: object, error: string): RefusedRequest {
  return {
    request: { path, body: { inputs: PROMPT, parameters }, streams: false },
    status: 422,
    body: { error, error_type: 'validation' },
  };
}

function workersAi(
  model: string,
  fields: object,
  status: number,
  code: number,
  messages: readonly string[],
): RefusedRequest {
  return {
    request: { path: `/ai/run/${model}`, body: { prompt: PROMPT, ...fields }, streams: false },
    status,
    body: {
      result: null,
      success: false,
      errors: messages.map((message) => ({ code, message })),
      messages: [],
    },
  };
}
