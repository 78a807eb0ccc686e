/** @module The routes, for the reference: what they take and what they answer. */
import type { RequestName, ResponseName } from './schemas.ts';

export interface Route {
  readonly path: string;
  readonly method: 'get' | 'post';
  readonly summary: string;
  readonly tag: string;
  /** In the path. */
  readonly parameters?: readonly string[];
  readonly request?: RequestName;
  /** A request that works with any model. */
  readonly example?: object;
  readonly response?: ResponseName;
  /** Of its events, where it streams. */
  readonly event?: ResponseName;
  /** The content type of an answer that is text. */
  readonly text?: string;
  readonly error: 'Error' | 'TgiError' | 'RunError';
  /** Statuses with the error's shape. */
  readonly errors: readonly number[];
  /** Needs no key where there are keys. */
  readonly open?: true;
}

const OPEN = [405, 500] as const;
const KEYED = [401, 429, ...OPEN] as const;
const BODY = [400, 413, 415, 503, ...KEYED] as const;
const TGI_BODY = [413, 415, 422, ...KEYED] as const;

const OPENAI = { tag: 'OpenAI', error: 'Error' } as const;
const TGI = { tag: 'Text Generation Inference', error: 'TgiError' } as const;
const OPERATION = { tag: 'Operation', error: 'Error' } as const;

const GENERATE = { inputs: 'Once upon a time', parameters: { max_new_tokens: 20 } } as const;

function pageFile(path: string, text: string, summary: string): Route {
  return { ...OPERATION, path, method: 'get', summary, text, errors: OPEN, open: true };
}

export const ROUTES: readonly Route[] = [
  {
    ...OPENAI,
    path: '/v1/completions',
    method: 'post',
    summary: 'Continues prompts',
    request: 'CompletionRequest',
    example: { prompt: 'Once upon a time', max_tokens: 20, num_beams: 4 },
    response: 'Completion',
    event: 'CompletionChunk',
    errors: [404, ...BODY],
  },
  {
    ...OPENAI,
    path: '/v1/models',
    method: 'get',
    summary: 'The model',
    response: 'ModelList',
    errors: KEYED,
  },
  {
    ...OPENAI,
    path: '/v1/models/{id}',
    method: 'get',
    summary: 'The model, by its name',
    parameters: ['id'],
    response: 'Model',
    errors: [404, ...KEYED],
  },
  {
    ...TGI,
    path: '/',
    method: 'post',
    summary: 'Continues a text, streamed or not',
    request: 'CompatRequest',
    example: GENERATE,
    response: 'CompatResponse',
    event: 'StreamEvent',
    errors: TGI_BODY,
  },
  {
    ...TGI,
    path: '/generate',
    method: 'post',
    summary: 'Continues a text',
    request: 'GenerateRequest',
    example: GENERATE,
    response: 'GenerateResponse',
    errors: TGI_BODY,
  },
  {
    ...TGI,
    path: '/generate_stream',
    method: 'post',
    summary: 'Continues a text, token by token',
    request: 'GenerateRequest',
    example: GENERATE,
    event: 'StreamEvent',
    errors: TGI_BODY,
  },
  {
    ...TGI,
    path: '/tokenize',
    method: 'post',
    summary: 'A text’s tokens, and where they stand in it',
    request: 'TokenizeRequest',
    example: { inputs: 'Once upon a time' },
    response: 'TokenizeResponse',
    errors: TGI_BODY,
  },
  {
    ...TGI,
    path: '/info',
    method: 'get',
    summary: 'The model and its limits',
    response: 'Info',
    errors: KEYED,
  },
  {
    tag: 'Workers AI',
    error: 'RunError',
    path: '/ai/run/{model}',
    method: 'post',
    summary: 'Continues a text, as Cloudflare’s REST API does',
    parameters: ['model'],
    request: 'RunRequest',
    example: { prompt: 'Once upon a time', max_tokens: 20 },
    response: 'RunResponse',
    event: 'RunEvent',
    errors: [404, ...BODY],
  },
  {
    ...OPERATION,
    error: 'TgiError',
    path: '/',
    method: 'get',
    summary: 'A page to ask on, which draws the search',
    text: 'text/html',
    errors: OPEN,
    open: true,
  },
  pageFile('/page.js', 'text/javascript', 'Its script'),
  pageFile('/page.css', 'text/css', 'Its style'),
  pageFile('/icon.svg', 'image/svg+xml', 'Its icon'),
  {
    ...OPERATION,
    path: '/health',
    method: 'get',
    summary:
      'Whether it is up, and whether the model is in memory; with a key also who holds what of the heap',
    response: 'Health',
    errors: OPEN,
    open: true,
  },
  {
    ...OPERATION,
    path: '/health/ready',
    method: 'get',
    summary: 'Brings the model into memory, and says when it is there',
    response: 'Ready',
    errors: [503, ...OPEN],
    open: true,
  },
  {
    ...OPERATION,
    path: '/metrics',
    method: 'get',
    summary: 'Counters of the isolate that answers, for Prometheus',
    text: 'text/plain',
    errors: KEYED,
  },
  {
    ...OPERATION,
    path: '/reset_prefix_cache',
    method: 'post',
    summary: 'Forgets the prompts and texts that are kept for who begins with them',
    response: 'Reset',
    errors: KEYED,
  },
  {
    ...OPERATION,
    path: '/openapi.json',
    method: 'get',
    summary: 'This document',
    text: 'application/json',
    errors: OPEN,
    open: true,
  },
  {
    ...OPERATION,
    path: '/docs',
    method: 'get',
    summary: 'The same as a page',
    text: 'text/html',
    errors: OPEN,
    open: true,
  },
];
