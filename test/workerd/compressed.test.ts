/** @module Compressed request bodies: gzip and deflate, within the limit of a body. */
import { describe, expect, it } from 'vitest';
import { startApp } from './client.ts';

const app = startApp();
const LIMIT = 2 ** 20;
const STORY = JSON.stringify({ prompt: 'Once upon a time', max_tokens: 8, temperature: 0 });

async function compress(content: BodyInit, format: 'gzip' | 'deflate' = 'gzip'): Promise<Uint8Array> {
  const stream = new Response(content).body as ReadableStream<Uint8Array>;
  return new Uint8Array(await new Response(stream.pipeThrough(new CompressionStream(format))).arrayBuffer());
}

function send(body: BodyInit, encoding: string, path = '/v1/completions'): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
  return app.fetch(path, { method: 'POST', headers, body });
}

/** A stream of spaces after a text: valid JSON that compresses a thousandfold. */
function padded(text: string, bytes: number): ReadableStream<Uint8Array> {
  const head = new TextEncoder().encode(text);
  const chunk = new Uint8Array(2 ** 16).fill(0x20);
  let rest = bytes - head.length;
  return new ReadableStream({
    start: (controller) => controller.enqueue(head),
    pull(controller) {
      controller.enqueue(chunk.subarray(0, Math.min(rest, chunk.length)));
      rest -= chunk.length;
      if (rest <= 0) controller.close();
    },
  });
}

describe('a compressed body', () => {
  it.each([
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['deflate', 'deflate'],
  ] as const)('is answered like a plain one: %s', async (encoding, format) => {
    const plain = await (await send(STORY, 'identity')).json<{ choices: unknown }>();
    const response = await send(await compress(STORY, format), encoding);
    expect(response.status).toBe(200);
    expect((await response.json<{ choices: unknown }>()).choices).toEqual(plain.choices);
  });

  it('is accepted up to the limit of a body, and refused above it', async () => {
    expect((await send(await compress(padded(STORY, LIMIT)), 'gzip')).status).toBe(200);
    const response = await send(await compress(padded(STORY, LIMIT + 1)), 'gzip');
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({
      error: { code: 'body_too_large', message: 'The request body is larger than 1048576 bytes' },
    });
  });

  it('that compresses badly is read to its end', async () => {
    const random = crypto.getRandomValues(new Uint8Array(2 ** 16));
    const noise = Array.from({ length: 7 }, () => random.toBase64()).join('');
    const body = await compress(JSON.stringify({ prompt: 'a', max_tokens: 1, user: noise }));
    expect(body.length).toBeGreaterThan(2 ** 17 / 3);
    const response = await send(body, 'gzip');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'user' } });
  });

  it.each(['gzip', 'deflate'] as const)(
    'that is a bomb is refused before it is unpacked: %s',
    async (format) => {
      const bomb = await compress(padded(STORY, 400 * LIMIT), format);
      expect(bomb.length).toBeLessThan(LIMIT);
      expect((await send(bomb, format)).status).toBe(413);
    },
  );

  it.each([
    ['truncated', (body: Uint8Array) => body.subarray(0, -5)],
    ['damaged', (body: Uint8Array) => body.map((byte, i) => (i === 20 ? byte ^ 0xff : byte))],
    ['followed by more', (body: Uint8Array) => new Uint8Array([...body, 1, 2, 3])],
    ['not compressed', () => new TextEncoder().encode(STORY)],
    ['empty', () => new Uint8Array(0)],
  ])('that is %s is a 400', async (_, change) => {
    for (const format of ['gzip', 'deflate'] as const) {
      const response = await send(change(await compress(STORY, format)), format);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        error: { code: 'invalid_encoding', message: `The request body is not valid ${format}` },
      });
    }
  });

  it.each(['br', 'zstd', 'gzip, gzip', 'gzip, br', 'constructor'])('in %s is a 415', async (encoding) => {
    const response = await send(await compress(STORY), encoding);
    expect(response.status).toBe(415);
    expect(response.headers.get('accept-encoding')).toBe('gzip, deflate');
    expect(await response.json()).toMatchObject({
      error: {
        code: 'unsupported_encoding',
        message: `The content encoding must be gzip or deflate, not '${encoding}'`,
      },
    });
  });

  it.each([
    ['/generate', { inputs: 'Once', parameters: { max_new_tokens: 2 } }],
    ['/tokenize', { inputs: 'Once' }],
    ['/ai/run/default', { prompt: 'Once', max_tokens: 2 }],
  ])('is accepted in every contract: %s', async (path, body) => {
    expect((await send(await compress(JSON.stringify(body)), 'gzip', path)).status).toBe(200);
  });
});
