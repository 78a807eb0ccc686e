/** @module A generation that is alone in workerd hears of other clients, and of its own client's end, as it runs. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { complete } from '../../bench/concurrency/client.ts';
import { DEFAULT_MODEL } from '../../model-assets/ensure.ts';
import { type PlainWorkerd, startPlainWorkerd } from '../support/plain-workerd.ts';
import { parsePrometheus } from '../support/prometheus.ts';

/** The cache has space for 1,392 tokens: one prompt of LONG at a time, and a short request beside it. */
const SETTINGS = { HEAP_MIB: 20 };
/** 15,000 passes of three rows: takes far longer than any of the tests. */
const LONG = {
  prompt: Array.from({ length: 50 }, (_, i) => [i + 1, i + 2, i + 3, i + 4]),
  max_tokens: 300,
  n: 3,
  seed: 1,
  ignore_eos: true,
  cache_prompt: false,
};
/** Until a generation is alone: some dozens of passes. Requests of the test itself would be company. */
const ALONE_MILLISECONDS = 400;
const IDLE = { requests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };

describe('a generation that is alone', () => {
  let server: PlainWorkerd;
  beforeAll(async () => {
    server = await startPlainWorkerd(DEFAULT_MODEL, SETTINGS);
    return () => server[Symbol.asyncDispose]();
  }, 120_000);

  const health = async () => await (await fetch(`${server.url}/health`)).json();
  const waitUntilIdle = () => expect.poll(health, { timeout: 10_000 }).toMatchObject(IDLE);
  afterEach(waitUntilIdle);

  /** Passes since the start of the server. */
  async function passes(): Promise<number> {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const samples = [...parsePrometheus(text).values()].flatMap((metric) => metric.samples);
    return samples.find(({ name }) => name === 'edgebeam_pass_rows_count')?.value ?? 0;
  }

  /** Sends LONG. @returns a function that ends its connection at once, as when a client is killed */
  async function startLong(stream: boolean, onData: (text: string) => void = () => {}): Promise<() => void> {
    const outgoing = request(new URL('/v1/completions', server.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      agent: false,
    });
    // The end of the connection is an error of the client.
    outgoing.on('error', () => {});
    outgoing.on('response', (response: IncomingMessage) => {
      response
        .setEncoding('utf8')
        .on('data', onData)
        .on('error', () => {});
    });
    outgoing.end(JSON.stringify({ ...LONG, stream }));
    const [socket] = await once(outgoing, 'socket');
    const leave = () => socket.resetAndDestroy();
    onTestFinished(leave);
    return leave;
  }

  it.each([[true], [false]])('ends soon after its client has gone: stream %s', async (stream) => {
    const before = await passes();
    const leave = await startLong(stream);
    await expect.poll(passes, { timeout: 20_000 }).toBeGreaterThan(before + 50);
    await setTimeout(ALONE_MILLISECONDS);
    leave();
    await setTimeout(ALONE_MILLISECONDS);
    await waitUntilIdle();
    // A fraction of the 15,000, even if the machine is so busy that the client is late.
    expect((await passes()) - before).toBeLessThan(2000);
  });

  it('sends its tokens while it runs, and serves a request that comes in a few passes', async () => {
    let tokens = 0;
    const leave = await startLong(true, (text) => {
      tokens += text.split('data: ').length - 1;
    });
    const waited: number[] = [];
    for (let i = 0; i < 9; i++) {
      await setTimeout(ALONE_MILLISECONDS / 2);
      const before = tokens;
      await complete(new URL(server.url), { prompt: [i + 1], tokens: 1 });
      waited.push(tokens - before);
    }
    leave();
    expect(tokens).toBeGreaterThan(100);
    waited.sort((a, b) => a - b);
    expect(waited[4]).toBeLessThan(24);
  });

  it('serves other requests before its end', async () => {
    const leave = await startLong(false);
    for (let i = 0; i < 3; i++) {
      await setTimeout(ALONE_MILLISECONDS);
      await complete(new URL(server.url), { prompt: [i + 1], tokens: 4 });
    }
    expect(await health()).toMatchObject({ requests: 1 });
    leave();
  });
});
