/**
 * @module Invalid requests on all routes: each is refused with its status, in the shape of its contract, with
 * the field, the limit and the value. Afterwards the server is idle.
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
const CHAT = '/v1/chat/completions';
const POSTS = [
  ...['/v1/completions', CHAT, '/v1/score', '/v1/perplexity', '/v1/suggest'],
  ...['/', '/generate', '/generate_stream', '/tokenize', RUN],
];
const TGI = ['/', '/generate', '/generate_stream', '/tokenize', '/info'];
const TGI_TYPES: Record<number, string> = { 404: 'not_found', 405: 'method_not_allowed' };

interface Refusal {
  readonly status: number;
  readonly message: string;
  /** In OpenAI's shape only. */
  readonly param?: string | null;
}

/** Parses an answer as an error of its path's contract. */
async function parseRefusal(path: string, response: Response): Promise<Refusal> {
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

const refusalOf = async (path: string, body: unknown) => parseRefusal(path, await postTo(app, path, body));
const messageAbout = (field: string, fault: string) => expect.stringContaining(`'${field}' ${fault}`);

describe('/v1/completions', () => {
  it.each([...VALUES, ...COMBINATIONS, ...OPENAI])('refuses %j for %s: %s', async (request, param, fault) => {
    const message = messageAbout(param, fault);
    expect(await refusalOf('/v1/completions', { prompt: 'a', ...request })).toEqual({
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
      'the options ban every possible next token',
    ],
  ])('refuses %j with %d', async (request, status, param, message) => {
    expect(await refusalOf('/v1/completions', { prompt: 'a', ...request })).toEqual({
      status,
      param,
      message: expect.stringContaining(message),
    });
  });
});

describe(CHAT, () => {
  it.each(VALUES)('refuses %j for %s: %s', async (request, param, fault) => {
    const body = { messages: [{ role: 'user', content: 'a' }], ...request };
    expect(await refusalOf(CHAT, body)).toEqual({ status: 400, message: messageAbout(param, fault), param });
  });
});

describe('Text Generation Inference', () => {
  it.each([...VALUES, ...TGI_PARAMETERS])(
    'refuses the parameters %j for %s: %s',
    async (parameters, field, fault) => {
      const message = messageAbout(`parameters.${field}`, fault);
      expect(await refusalOf('/generate', { inputs: 'a', parameters })).toEqual({ status: 422, message });
    },
  );

  it.each([...COMBINATIONS, ...TGI_COMBINATIONS])(
    'refuses the combination %j for %s: %s',
    async (parameters, field, fault) => {
      const message = messageAbout(field, fault);
      expect(await refusalOf('/', { inputs: 'a', parameters })).toEqual({ status: 422, message });
    },
  );

  it.each(TGI_BODIES)('%s refuses %j for %s: %s', async (path, body, field, fault) => {
    expect(await refusalOf(path, body)).toEqual({ status: 422, message: messageAbout(field, fault) });
  });
});

describe('Workers AI', () => {
  it.each([...VALUES, ...COMBINATIONS, ...WORKERS_AI])(
    'refuses %j for %s: %s',
    async (request, field, fault) => {
      const prompt = 'messages' in request && !fault.includes('beside') ? {} : { prompt: 'a' };
      expect(await refusalOf(RUN, { ...prompt, ...request })).toEqual({
        status: 400,
        message: messageAbout(field, fault),
      });
    },
  );
});

describe.each(POSTS)('POST %s', (path) => {
  it.each(BODIES)('refuses %s', async (_, body, type, status, message) => {
    const headers: Record<string, string> = type === '' ? {} : { 'content-type': type };
    const response = await app.fetch(path, { method: 'POST', headers, body });
    const refused = await parseRefusal(path, response);
    expect(refused).toMatchObject({
      status: status === 400 && TGI.includes(path) ? 422 : status,
      message: expect.stringContaining(message),
    });
  });

  // `/` also serves the page.
  const allowed = path === '/' ? ['POST', 'GET', 'HEAD'] : ['POST'];
  const otherMethods = ['GET', 'PUT', 'PATCH', 'DELETE'].filter((method) => !allowed.includes(method));

  it.each(otherMethods)('refuses %s with 405', async (method) => {
    const response = await app.fetch(path, { method });
    const allow = allowed.join(', ');
    expect(response.headers.get('allow')).toBe(allow);
    const message = `${path} takes ${allow}, not ${method}`;
    expect(await parseRefusal(path, response)).toMatchObject({ status: 405, message });
  });
});

describe('a path', () => {
  it.each(['/info', '/health', '/metrics', '/openapi.json', '/v1/models', '/v1/models/default'])(
    '%s allows only GET and HEAD',
    async (path) => {
      for (const method of ['POST', 'PUT', 'DELETE']) {
        const refused = await parseRefusal(path, await app.fetch(path, { method }));
        expect(refused).toMatchObject({ status: 405, message: `${path} takes GET, HEAD, not ${method}` });
      }
    },
  );

  it.each([
    ['/v1/embeddings', 'No route for POST /v1/embeddings'],
    ['/v1/completions/', 'No route for POST /v1/completions/'],
    ['/v1//completions', 'No route for POST /v1//completions'],
    ['/generate/x', 'No route for POST /generate/x'],
    ['/ai/run/', 'No route for POST /ai/run/'],
    ['/manifest.json', 'No route for POST /manifest.json'],
    ['/..%2f..%2fetc/passwd', 'No route for POST /..%2f..%2fetc/passwd'],
    ['/ai/run/@cf/meta/llama-3', 'No such model @cf/meta/llama-3; this is default'],
    ['/ai/run/xdefault', 'No such model xdefault; this is default'],
  ])('POST %s answers 404', async (path, message) => {
    expect(await refusalOf(path, { prompt: 'a' })).toMatchObject({ status: 404, message });
  });

  it.each(['/v1/models/gpt-4', '/v1/models/%00', '/weights-000.bin', '/v1'])(
    'GET %s answers 404',
    async (path) => {
      expect(await parseRefusal(path, await app.fetch(path))).toMatchObject({ status: 404 });
    },
  );
});

it('ignores a byte order mark, as RFC 8259 allows', async () => {
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
    `{"prompt": ${'['.repeat(19_000)}${']'.repeat(19_000)}}`,
    'prompt.0.0',
    'must be a number, not [[[[[[[[[[',
  ],
  ['{"prompt": "a", "logit_bias": {"__proto__": {"polluted": 1}}}', '__proto__', 'is not a supported field'],
  ['{"prompt": "a", "\\u005f_proto__": 1}', '__proto__', 'is not a supported field'],
  ['{"prompt": "a", "stop": ["b"], "stop": 5}', 'stop', 'must be a string of 1 to 1024 characters'],
])('refuses %.60s for %s', async (body, param, fault) => {
  const headers = { 'content-type': 'application/json' };
  const response = await app.fetch('/v1/completions', { method: 'POST', headers, body });
  const message = messageAbout(param, fault);
  expect(await parseRefusal('/v1/completions', response)).toEqual({ status: 400, param, message });
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
