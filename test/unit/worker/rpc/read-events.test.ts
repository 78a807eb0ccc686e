/** @module The events of a stream, whatever its chunks. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isEdgebeamError } from '../../../../worker/rpc/errors.ts';
import { readEvents } from '../../../../worker/rpc/read-events.ts';

const sse = (events: readonly unknown[]) =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');

/** A stream of the text's bytes, cut at these places. */
function streamOf(text: string, cuts: readonly number[] = []): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return new ReadableStream({
    start(controller) {
      for (const [i, end] of ends.entries()) controller.enqueue(bytes.subarray(ends[i - 1] ?? 0, end));
      controller.close();
    },
  });
}

it('reads the events of a stream in any chunks, up to [DONE]', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat()), async (texts, cuts) => {
      const events = texts.map((text) => ({ choices: [{ text }] }));
      const stream = streamOf(`${sse(events)}data: [DONE]\n\n${sse(['after the end'])}`, cuts);
      expect(await Array.fromAsync(readEvents(stream))).toEqual(events);
    }),
  );
});

it('throws the error of a generation that fails half way, with its fields', async () => {
  const error = { message: 'Busy', type: 'server_error', param: null, code: 'lease_expired' };
  const events = readEvents(streamOf(sse([{ choices: [] }, { error }])));
  expect(await events.next()).toMatchObject({ done: false });
  const thrown = await events.next().catch((reason: unknown) => reason);
  expect(isEdgebeamError(thrown)).toBe(true);
  expect(thrown).toMatchObject({ message: 'Busy', code: 'lease_expired', status: 500 });
});

it('does not take a stream that is cut off for its end', async () => {
  const events = readEvents(streamOf(sse([{ choices: [] }])));
  expect(await events.next()).toMatchObject({ done: false });
  await expect(events.next()).rejects.toThrow('ended before its last event');
});

it('cancels a stream that is left', async () => {
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode(sse([{}]))),
    cancel() {
      cancelled = true;
    },
  });
  for await (const _ of readEvents(stream)) break;
  expect(cancelled).toBe(true);
});
