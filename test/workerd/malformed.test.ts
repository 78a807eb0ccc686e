/**
 * @module Requests that are wrong, over all routes: each is refused with its status, in its contract's shape, by the name
 * of the field, with the limit and the value; and the server holds nothing afterwards.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { errorResponse } from '../../worker/contracts/openai/responses.ts';
import { tgiErrorResponse } from '../../worker/contracts/tgi/responses.ts';
import { runErrorResponse } from '../../worker/contracts/workers-ai/responses.ts';
import { BODIES, COMBINATIONS, VALUES } from '../support/malformed.ts';
import {
  OPENAI,
  TGI_BODIES,
  TGI_COMBINATIONS,
  TGI_PARAMETERS,
  WORKERS_AI,
} from '../support/malformed-contracts.ts';
import { post, postTo, startApp, type TestApp } from './client.ts';

const app: TestApp = startApp();
const RUN = '/ai/run/default';
const POSTS = ['/v1/completions', '/', '/generate', '/generate_stream', '/tokenize', RUN];
const TGI = ['/', '/generate', '/generate_stream', '/tokenize', '/info'];
const TGI_TYPES: Record<number, string> = { 404: 'not_found', 405: 'method_not_allowed' };

interface Refusal {
  readonly status: number;
  readonly message: string;
  /** In OpenAI's shape alone. */
  readonly param?: string | null;
}

/** What an answer says, which must be of its path's contract. */
async function refusal(path: string, response: Response): Promise<Refusal> {
  const { status } = response;
  const body: unknown = await response.json();
  if (TGI.includes(path)) {
    const { error: message, error_type } = tgiErrorResponse.parse(body);
    expect(error_type).toBe(TGI_TYPES[status] ?? 'validation');
    return { status, message };
  }
  if (path.startsWith('/ai/')) {
    const { errors } = runErrorResponse.parse(body);
    expect(errors).toHaveLength(1);
    return { status, message: errors[0]?.message ?? '' };
  }
  const { message, param, type, code } = errorResponse.parse(body).error;
  expect(type).toBe('invalid_request_error');
  expect(code).toEqual(expect.any(String));
  return { status, message, param };
}

const askFor = async (path: string, body: unknown) => refusal(path, await postTo(app, path, body));
const saying = (field: string, fault: string) => expect.stringContaining(`'${field}' ${fault}`);

describe('/v1/completions', () => {
  it.each([...VALUES, ...COMBINATIONS, ...OPENAI])('refuses %j for %s: %s', async (request, param, fault) => {
    const message = saying(param, fault);
    expect(await askFor('/v1/completions', { prompt: 'a', ...request })).toEqual({
      status: 400,
      message,
      param,
    });
  });

  it.each([
    [{ model: 'gpt-4' }, 404, 'model', "The model 'gpt-4' does not exist; this is 'default'"],
    [{ model: '' }, 404, 'model', "The model '' does not exist; this is 'default'"],
    [
      { max_tokens: 512 },
      400,
      'max_tokens',
      '512 tokens, but 513 were requested: 1 in the prompt and 512 in',
    ],
    [
      { prompt: 'a '.repeat(600) },
      400,
      'prompt',
      '512 tokens, but 617 were requested: 601 in the prompt and 16',
    ],
    [
      { prompt: ['a', 'a '.repeat(600)] },
      400,
      'prompt',
      '512 tokens, but 617 were requested: 601 in the prompt',
    ],
    [
      { prompt: new Array(513).fill(1) },
      400,
      'prompt',
      '512 tokens, but 529 were requested: 513 in the prompt',
    ],
    [
      { num_beams: 200, max_tokens: 400 },
      400,
      'max_tokens',
      'a prompt of 1 and 200 texts after it: after this',
    ],
    [
      { allowed_token_ids: [5], suppress_tokens: [5] },
      400,
      null,
      'the options ban every token that could come',
    ],
  ])('refuses %j with %d', async (request, status, param, message) => {
    expect(await askFor('/v1/completions', { prompt: 'a', ...request })).toEqual({
      status,
      param,
      message: expect.stringContaining(message),
    });
  });
});

describe('Text Generation Inference', () => {
  it.each([...VALUES, ...TGI_PARAMETERS])(
    'refuses the parameters %j for %s: %s',
    async (parameters, field, fault) => {
      const message = saying(`parameters.${field}`, fault);
      expect(await askFor('/generate', { inputs: 'a', parameters })).toEqual({ status: 422, message });
    },
  );

  it.each([...COMBINATIONS, ...TGI_COMBINATIONS])(
    'refuses together %j for %s: %s',
    async (parameters, field, fault) => {
      const message = saying(field, fault);
      expect(await askFor('/', { inputs: 'a', parameters })).toEqual({ status: 422, message });
    },
  );

  it.each(TGI_BODIES)('%s refuses %j for %s: %s', async (path, body, field, fault) => {
    expect(await askFor(path, body)).toEqual({ status: 422, message: saying(field, fault) });
  });
});

describe('Workers AI', () => {
  it.each([...VALUES, ...COMBINATIONS, ...WORKERS_AI])(
    'refuses %j for %s: %s',
    async (request, field, fault) => {
      const prompt = 'messages' in request && !fault.includes('beside') ? {} : { prompt: 'a' };
      expect(await askFor(RUN, { ...prompt, ...request })).toEqual({
        status: 400,
        message: saying(field, fault),
      });
    },
  );
});

describe.each(POSTS)('POST %s', (path) => {
  it.each(BODIES)('refuses %s', async (_, body, type, status, message) => {
    const headers: Record<string, string> = type === '' ? {} : { 'content-type': type };
    const response = await app.fetch(path, { method: 'POST', headers, body });
    const refused = await refusal(path, response);
    expect(refused).toMatchObject({
      status: status === 400 && TGI.includes(path) ? 422 : status,
      message: expect.stringContaining(message),
    });
  });

  // At `/` a page is read as well.
  const taken = path === '/' ? ['POST', 'GET', 'HEAD'] : ['POST'];
  const others = ['GET', 'PUT', 'PATCH', 'DELETE'].filter((method) => !taken.includes(method));

  it.each(others)('takes no %s', async (method) => {
    const response = await app.fetch(path, { method });
    const allow = taken.join(', ');
    expect(response.headers.get('allow')).toBe(allow);
    const message = `${path} takes ${allow}, not ${method}`;
    expect(await refusal(path, response)).toMatchObject({ status: 405, message });
  });
});

describe('a path', () => {
  it.each(['/info', '/health', '/metrics', '/openapi.json', '/v1/models', '/v1/models/default'])(
    '%s is only read',
    async (path) => {
      for (const method of ['POST', 'PUT', 'DELETE']) {
        const refused = await refusal(path, await app.fetch(path, { method }));
        expect(refused).toMatchObject({ status: 405, message: `${path} takes GET, HEAD, not ${method}` });
      }
    },
  );

  it.each([
    ['/v1/chat/completions', 'No route for POST /v1/chat/completions'],
    ['/v1/completions/', 'No route for POST /v1/completions/'],
    ['/v1//completions', 'No route for POST /v1//completions'],
    ['/generate/x', 'No route for POST /generate/x'],
    ['/ai/run/', 'No route for POST /ai/run/'],
    ['/manifest.json', 'No route for POST /manifest.json'],
    ['/..%2f..%2fetc/passwd', 'No route for POST /..%2f..%2fetc/passwd'],
    ['/ai/run/@cf/meta/llama-3', 'No such model @cf/meta/llama-3; this is default'],
    ['/ai/run/xdefault', 'No such model xdefault; this is default'],
  ])('%s is none', async (path, message) => {
    expect(await askFor(path, { prompt: 'a' })).toMatchObject({ status: 404, message });
  });

  it.each(['/v1/models/gpt-4', '/v1/models/%00', '/weights-000.bin', '/v1'])(
    'GET %s is none',
    async (path) => {
      expect(await refusal(path, await app.fetch(path))).toMatchObject({ status: 404 });
    },
  );
});

it('passes over a byte order mark, as RFC 8259 allows', async () => {
  const body = '\u{FEFF}{"prompt": "a", "max_tokens": 1}';
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  expect((await app.fetch('/v1/completions', { method: 'POST', headers, body })).status).toBe(200);
});

it.each([
  ['{"prompt": "a", "temperature": 1e999}', 'temperature', 'must be a finite number, not Infinity'],
  ['{"prompt": "a", "max_tokens": 1e999}', 'max_tokens', 'must be a finite number, not Infinity'],
  ['{"prompt": "a", "seed": -1e999}', 'seed', 'must be a finite number, not -Infinity'],
  ['{"prompt": [1, 1e999]}', 'prompt.1', 'must be a finite number, not Infinity'],
  [
    `{"prompt": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    'prompt.0.0',
    'must be a number, not [[[[[[[[[[',
  ],
  ['{"prompt": "a", "logit_bias": {"__proto__": {"polluted": 1}}}', '__proto__', 'is not a supported field'],
  ['{"prompt": "a", "\\u005f_proto__": 1}', '__proto__', 'is not a supported field'],
  ['{"prompt": "a", "stop": ["b"], "stop": 5}', 'stop', 'must be a string of 1 to 1024 characters'],
])('refuses %.60s for %s', async (body, param, fault) => {
  const headers = { 'content-type': 'application/json' };
  const response = await app.fetch('/v1/completions', { method: 'POST', headers, body });
  const message = saying(param, fault);
  expect(await refusal('/v1/completions', response)).toEqual({ status: 400, param, message });
  expect('polluted' in {}).toBe(false);
});

afterAll(async () => {
  await app.settled();
  expect(await (await app.fetch('/health')).json()).toMatchObject({
    requests: 0,
    waitingRows: 0,
    slots: { reserved: 0, taken: 0 },
  });
  expect((await post(app, { prompt: 'a', max_tokens: 1 })).status).toBe(200);
});
