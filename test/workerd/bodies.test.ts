/**
 * @module Bodies that arrive slowly, and more bytes of bodies than an isolate holds: each contract answers in the
 * shape of its errors, and what a body held is free afterwards.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MAX_BODY_BYTES } from '../../worker/http/body-limit.ts';
import { postTo, startApp, type TestApp } from './client.ts';

/** Two bodies of this size are all that an isolate holds: each request counts a kilobyte beside its body. */
const HALF = MAX_BODY_BYTES - 1024;

interface ContractCase {
  readonly path: string;
  readonly body: object;
  /** The shape of an error. */
  readonly error: (code: string, message: unknown) => object;
  /** Of an answer that is busy. */
  readonly busyStatus: number;
}

const CONTRACTS: readonly ContractCase[] = [
  {
    path: '/v1/completions',
    body: { prompt: 'Once', max_tokens: 1 },
    error: (code, message) => ({ error: { code, message } }),
    busyStatus: 503,
  },
  {
    path: '/generate',
    body: { inputs: 'Once', parameters: { max_new_tokens: 1 } },
    error: (code, message) => ({
      error: message,
      error_type: code === 'overloaded' ? 'overloaded' : 'validation',
    }),
    busyStatus: 429,
  },
  {
    path: '/ai/run/default',
    body: { prompt: 'Once', max_tokens: 1 },
    error: (code, message) => ({
      success: false,
      errors: [{ code: code === 'overloaded' ? 3040 : 5004, message }],
    }),
    busyStatus: 503,
  },
];

const BUSY = expect.stringMatching(/^Busy: open requests have bodies of \d+ bytes together$/);

interface SlowBody {
  readonly answer: Promise<Response>;
  /** Resolves when the server has taken the first bytes. */
  readonly begun: Promise<void>;
  /** Whether the server has stopped reading. */
  readonly isCancelled: () => boolean;
  /** Sends the rest. */
  readonly finish: () => void;
}

/** Sends a body of `bytes` bytes: white space at once, the JSON when it is finished. */
function sendSlowly(app: TestApp, { path, body }: ContractCase, bytes: number): SlowBody {
  const rest = new TextEncoder().encode(JSON.stringify(body));
  let controller: ReadableStreamDefaultController<Uint8Array>;
  let isCancelled = false;
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const stream = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
      controller.enqueue(new Uint8Array(bytes - rest.length).fill(0x20));
    },
    pull: () => resolve(),
    cancel() {
      isCancelled = true;
    },
  });
  const answer = app.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: stream,
  });
  const finish = () => {
    controller.enqueue(rest);
    controller.close();
  };
  return { answer, begun, isCancelled: () => isCancelled, finish };
}

/** Two requests that leave less than another one counts. */
async function fill(app: TestApp, contract: ContractCase): Promise<[SlowBody, SlowBody]> {
  const slow = () => sendSlowly(app, contract, HALF);
  const both: [SlowBody, SlowBody] = [slow(), slow()];
  for (const { begun } of both) await begun;
  // The account has them a few microtasks later.
  await scheduler.wait(1);
  return both;
}

function advanceClock(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds);
}

describe.each(CONTRACTS)('bodies of $path', (contract) => {
  const { path, body, error, busyStatus } = contract;
  const app = startApp();
  afterEach(() => {
    vi.useRealTimers();
  });

  const expectBusy = async () => {
    const refused = await postTo(app, path, body);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([busyStatus, '1']);
    expect(await refused.json()).toMatchObject(error('overloaded', BUSY));
  };
  const expectTooSlow = async ({ answer, isCancelled }: SlowBody, seconds: number) => {
    const response = await answer;
    const message = `The request body has not arrived within ${seconds} seconds`;
    expect(response.status).toBe(408);
    expect(await response.json()).toMatchObject(error('request_timeout', message));
    expect(isCancelled()).toBe(true);
  };
  const expectServed = async (answer: Promise<Response>) => {
    const response = await answer;
    expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
  };

  it('that have not arrived after 30 seconds are a 408, and hold nothing afterwards', async () => {
    for (let round = 0; round < 2; round++) {
      vi.useFakeTimers({ toFake: ['Date'] });
      const both = await fill(app, contract);
      advanceClock(30_001);
      for (const slow of both) await expectTooSlow(slow, 30);
      await expectServed(postTo(app, path, body));
    }
  });

  it('that would be too many bytes together are refused at once, until others have been read', async () => {
    const both = await fill(app, contract);
    // Refusals hold nothing themselves.
    for (let i = 0; i < 3; i++) await expectBusy();
    for (const { finish } of both) finish();
    for (const { answer } of both) await expectServed(answer);
    await app.settled();
    const [first, second] = await fill(app, contract);
    first.finish();
    await expectServed(first.answer);
    await expectServed(postTo(app, path, body));
    second.finish();
    await expectServed(second.answer);
  });

  it('that are slow lose their bytes to others after 2 seconds, the oldest first', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const [oldest, other] = await fill(app, contract);
    advanceClock(2_001);
    await expectServed(postTo(app, path, body));
    await expectTooSlow(oldest, 2);
    other.finish();
    await expectServed(other.answer);
  });
});
