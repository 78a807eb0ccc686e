/**
 * @module Clients that read their stream slowly or not at all: they block no other request, and their slots
 * are released.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { health, PROMPT, referenceTexts, SERVER, waitUntilIdle } from '../support/clients.ts';

/**
 * 128 choices with logprobs: far more data than the buffers between the server and a client that does not
 * read.
 */
const FLOOD = {
  prompt: PROMPT,
  max_tokens: 480,
  temperature: 0,
  ignore_eos: true,
  n: 128,
  logprobs: 5,
  stream: true,
};
const OTHER_REQUESTS = [
  { prompt: PROMPT, max_tokens: 60, temperature: 0 },
  { prompt: 'The dog', max_tokens: 40, temperature: 1, seed: 4, n: 2 },
  { prompt: ['A cat', 'Two birds'], max_tokens: 30, num_beams: 4 },
] as const;

const sockets: Socket[] = [];

/** Requests the flood, and reads nothing of it. */
async function requestFlood(): Promise<Socket> {
  const { hostname: host, port } = new URL(SERVER);
  const socket = connect({ host, port: Number(port) });
  sockets.push(socket);
  // The server may abort the answer.
  socket.on('error', () => {});
  socket.pause();
  await once(socket, 'connect');
  const body = JSON.stringify(FLOOD);
  socket.write(
    `POST /v1/completions HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n` +
      `content-length: ${body.length}\r\n\r\n${body}`,
  );
  return socket;
}

/** Reads a byte a second. */
function readSlowly(socket: Socket): void {
  const timer = setInterval(() => socket.read(1), 1000);
  socket.once('close', () => clearInterval(timer));
}

describe('a client that hardly reads its stream', () => {
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  it('blocks no other request, and releases its slots when it disconnects', async () => {
    await waitUntilIdle();
    const alone = await Promise.all(OTHER_REQUESTS.map(referenceTexts));
    await requestFlood();
    readSlowly(await requestFlood());
    // Wait until backpressure stops both: the buffers on the way are full.
    let takenBefore = -1;
    const isStalled = async () => {
      const { requests, slots } = await health();
      const stalled = requests === 2 && slots.taken === takenBefore;
      takenBefore = slots.taken;
      return stalled;
    };
    await expect.poll(isStalled, { timeout: 40_000, interval: 1000 }).toBe(true);
    for (let round = 0; round < 3; round++) {
      expect(await Promise.all(OTHER_REQUESTS.map(referenceTexts))).toEqual(alone);
    }
    const { requests, slots } = await health();
    expect([requests, slots.taken]).toEqual([2, takenBefore]);
    for (const socket of sockets) socket.destroy();
    await waitUntilIdle();
  });

  it('is noticed when it disconnects during the computation', async () => {
    const socket = await requestFlood();
    await expect.poll(async () => (await health()).slots.taken).toBeGreaterThan(5);
    socket.destroy();
    await waitUntilIdle();
  });
});
