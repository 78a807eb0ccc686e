/** @module Runs the curl, Python, openai and fetch snippets: each must send the page's request. */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RequestBody, toRequest } from '../../../../../worker/page/client/request.ts';
import { INITIAL_SETTINGS } from '../../../../../worker/page/client/settings.ts';
import { snippet } from '../../../../../worker/page/client/snippets.ts';

const ORIGIN = 'https://edgebeam.example';
const AsyncFunction = (async () => {}).constructor as new (
  ...code: string[]
) => (...values: unknown[]) => Promise<void>;
/** With a constraint, whose text has every character that a shell or JavaScript may read as its own. */
const body = (prompt: string): RequestBody =>
  toRequest({ ...INITIAL_SETTINGS, prompt, constraint: { kind: 'regex', text: AWKWARD } });
const AWKWARD = `It's "$HOME" \\ \`x\`\n\u2028 \${1} <!-- 🐈`;

/** Runs the code in a shell where `curl` prints its arguments. */
async function argumentsOfCurl(code: string): Promise<string[]> {
  const print = 'curl() { for argument; do printf "%s\\0" "$argument"; done; }';
  const { stdout } = await promisify(execFile)('sh', ['-c', `${print}\n${code}`], {
    env: { API_KEY: 'mine' },
  });
  return stdout.split('\0').slice(0, -1);
}

/** Runs the code against a server that answers with the texts of two choices, one of them the second text. */
async function requestOfPython(
  prompt: string,
): Promise<{ body: unknown; authorization: string | undefined; printed: string }> {
  let received = { body: null as unknown, authorization: undefined as string | undefined };
  await using server = createServer(async (request, response) => {
    received = { body: JSON.parse(await text(request)), authorization: request.headers.authorization };
    const event = (index: number, text: string) =>
      `data: ${JSON.stringify({ choices: [{ index, text }] })}\n\n`;
    response.end(`${event(0, 'a')}${event(1, 'b')}${event(0, 'é')}data: {"choices":[]}\n\ndata: [DONE]\n\n`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const code = snippet('python', body(prompt), `http://127.0.0.1:${port}`, true);
  const { stdout } = await promisify(execFile)('python3', ['-c', code], {
    env: { PYTHONIOENCODING: 'utf-8' },
  });
  return { ...received, printed: stdout };
}

const hasPython = spawnSync('python3', ['--version']).status === 0;

interface SentRequest {
  readonly url: string;
  readonly init: { readonly method: string; readonly headers: Record<string, string>; readonly body: string };
}

async function requestsOfFetch(code: string): Promise<SentRequest[]> {
  const requests: SentRequest[] = [];
  const fetch = async (url: string, init: SentRequest['init']) => {
    requests.push({ url, init });
    return new Response('data: [DONE]\n\n');
  };
  await new AsyncFunction('fetch', 'console', code)(fetch, { log: () => {} });
  return requests;
}

/** Runs the code with a stub of `openai`: the client's options, the request's body, and the printed text. */
async function callsOfOpenai(code: string): Promise<{ options: unknown; body: unknown; printed: string }> {
  const calls: { options: unknown; body: unknown; printed: string } = { options: 0, body: 0, printed: '' };
  class OpenAI {
    completions = {
      create: async (body: unknown) => {
        calls.body = body;
        return [
          { choices: [{ index: 0, text: 'a' }] },
          { choices: [] },
          { choices: [{ index: 1, text: 'b' }] },
        ];
      },
    };
    constructor(options: unknown) {
      calls.options = options;
    }
  }
  const write = (text: string) => {
    calls.printed += text;
  };
  const [first, ...rest] = code.split('\n');
  expect(first).toBe("import OpenAI from 'openai';");
  const process = { stdout: { write }, env: { API_KEY: 'mine' } };
  await new AsyncFunction('OpenAI', 'process', rest.join('\n'))(OpenAI, process);
  return calls;
}

describe('a snippet', () => {
  it.each([['Once upon a time'], [AWKWARD]])('for curl sends the request: %j', async (prompt) => {
    const [flag, url, header, type, data, json] = await argumentsOfCurl(
      snippet('curl', body(prompt), ORIGIN, false),
    );
    expect([flag, url, header, type, data]).toEqual([
      '-N',
      `${ORIGIN}/v1/completions`,
      '-H',
      'content-type: application/json',
      '-d',
    ]);
    expect(JSON.parse(json ?? '')).toEqual(body(prompt));
  });

  it.runIf(hasPython).each([['Once upon a time'], [AWKWARD], ['\u0000\b\f\r\t\u007f true "null" \ud800']])(
    'for Python sends the request, and prints the first text: %j',
    async (prompt) => {
      expect(await requestOfPython(prompt)).toEqual({
        body: body(prompt),
        authorization: 'Bearer API_KEY',
        printed: 'aé',
      });
    },
  );

  it('for fetch sends the request', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (prompt) => {
        const [request] = await requestsOfFetch(snippet('fetch', body(prompt), ORIGIN, false));
        expect(request?.url).toBe(`${ORIGIN}/v1/completions`);
        expect(request?.init).toMatchObject({
          method: 'POST',
          headers: { 'content-type': 'application/json' },
        });
        expect(JSON.parse(request?.init.body ?? '')).toEqual(body(prompt));
      }),
    );
  });

  it('for openai sends the request, and prints the first text', async () => {
    const calls = await callsOfOpenai(snippet('openai', body(AWKWARD), ORIGIN, false));
    expect(calls).toEqual({
      options: { baseURL: `${ORIGIN}/v1`, apiKey: 'none' },
      body: body(AWKWARD),
      printed: 'a',
    });
  });

  it('has a placeholder for the API key if one is needed', async () => {
    const ofCurl = await argumentsOfCurl(snippet('curl', body('a'), ORIGIN, true));
    expect(ofCurl).toContain('authorization: Bearer mine');
    const [ofFetch] = await requestsOfFetch(snippet('fetch', body('a'), ORIGIN, true));
    expect(ofFetch?.init.headers.authorization).toBe('Bearer API_KEY');
    const ofOpenai = await callsOfOpenai(snippet('openai', body('a'), ORIGIN, true));
    expect(ofOpenai.options).toMatchObject({ apiKey: 'mine' });
  });
});
