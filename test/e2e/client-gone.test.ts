/** @module Clients that disconnect from workerd itself, without wrangler's proxy between them. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_MODEL } from '../../model-assets/ensure.ts';
import { type PlainWorkerd, startPlainWorkerd } from '../support/plain-workerd.ts';
import { parsePrometheus } from '../support/prometheus.ts';

/** Takes far longer than the test waits. */
const LONG = { prompt: 'Once upon a time', max_tokens: 400, num_beams: 8, ignore_eos: true };
const IDLE = { requests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };

const BODY = Buffer.from(JSON.stringify(LONG));
const chunk = (bytes: Buffer) => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes]);
const ZIPPED = gzipSync(BODY);
const OF_SESSION = Buffer.from(JSON.stringify({ ...LONG, user: 'ada' }));

describe('an unstreamed request whose client disconnects', () => {
  let server: PlainWorkerd;
  beforeAll(async () => {
    server = await startPlainWorkerd(DEFAULT_MODEL, {}, { sessions: true });
  }, 120_000);
  afterAll(() => server[Symbol.asyncDispose]());

  const health = async () => await (await fetch(`${server.url}/health`)).json();
  const cancelled = async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const samples = parsePrometheus(text).get('edgebeam_cancelled_total')?.samples ?? [];
    return samples.reduce((sum, { value }) => sum + value, 0);
  };

  it.each([
    ['with a content-length', [`content-length: ${BODY.length}`], BODY],
    [
      'without a content-length',
      ['transfer-encoding: chunked'],
      Buffer.concat([chunk(BODY), Buffer.from('\r\n0\r\n\r\n')]),
    ],
    ['compressed', [`content-length: ${ZIPPED.length}`, 'content-encoding: gzip'], ZIPPED],
    ['of a session', [`content-length: ${OF_SESSION.length}`], OF_SESSION],
  ] as const)('stops at the next token: %s', async (_, headers, body) => {
    const before = await cancelled();
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const head = ['POST /v1/completions HTTP/1.1', `host: ${hostname}`, 'content-type: application/json'];
    socket.write(Buffer.concat([Buffer.from([...head, ...headers, '', ''].join('\r\n')), body]));
    await expect.poll(health, { timeout: 20_000 }).toMatchObject({ requests: 1 });
    // An orderly end of the connection says only that the client sends no more: the answer may still be read.
    socket.resetAndDestroy();
    await expect.poll(health, { timeout: 5_000 }).toMatchObject(IDLE);
    await expect.poll(cancelled).toBeGreaterThan(before);
    expect(await cancelled()).toBe(before + 1);
  });
});
