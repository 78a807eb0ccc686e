/** @module Clients that hardly read what they asked for, or not at all: nobody else waits for them, and they keep nothing. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { health, idle, PROMPT, plainTexts, SERVER } from '../support/clients.ts';

/** Each token is told so often, with its alternatives: far more than lies between the server and a client that does not read. */
const FLOOD = {
  prompt: PROMPT,
  max_tokens: 480,
  temperature: 0,
  ignore_eos: true,
  n: 128,
  logprobs: 5,
  stream: true,
};
const OTHERS = [
  { prompt: PROMPT, max_tokens: 60, temperature: 0 },
  { prompt: 'The dog', max_tokens: 40, temperature: 1, seed: 4, n: 2 },
  { prompt: ['A cat', 'Two birds'], max_tokens: 30, num_beams: 4 },
] as const;

const sockets: Socket[] = [];

/** Asks for a flood, and reads nothing of it. */
async function ask(): Promise<Socket> {
  const { hostname: host, port } = new URL(SERVER);
  const socket = connect({ host, port: Number(port) });
  sockets.push(socket);
  // What it is told when the server breaks the answer off.
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

describe('a client that hardly reads', () => {
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  it('holds up nobody else, and has given everything back when it leaves', async () => {
    await idle();
    const alone = await Promise.all(OTHERS.map(plainTexts));
    await ask();
    readSlowly(await ask());
    // Neither can go on: what they have been sent is all that there is room for on the way.
    let before = -1;
    const stuck = async () => {
      const { requests, slots } = await health();
      const stands = requests === 2 && slots.taken === before;
      before = slots.taken;
      return stands;
    };
    await expect.poll(stuck, { timeout: 40_000, interval: 1000 }).toBe(true);
    for (let round = 0; round < 3; round++) {
      expect(await Promise.all(OTHERS.map(plainTexts))).toEqual(alone);
    }
    const { requests, slots } = await health();
    expect([requests, slots.taken]).toEqual([2, before]);
    for (const socket of sockets) socket.destroy();
    await idle();
  });

  it('is noticed when it leaves while it computes', async () => {
    const socket = await ask();
    await expect.poll(async () => (await health()).slots.taken).toBeGreaterThan(5);
    socket.destroy();
    await idle();
  });
});
