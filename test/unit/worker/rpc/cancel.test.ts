/** @module What a caller over RPC may give to cancel a call. */
import { expect, it } from 'vitest';
import { cancellationOf } from '../../../../worker/rpc/cancel.ts';

it.each([undefined, null, {}, { signal: undefined }, { signal: null }])('may be nothing: %j', (options) => {
  expect(cancellationOf(options).signal.aborted).toBe(false);
});

it('is a signal, aborted already or later', () => {
  expect(cancellationOf({ signal: AbortSignal.abort() }).signal.aborted).toBe(true);
  const controller = new AbortController();
  const { signal } = cancellationOf({ signal: controller.signal });
  controller.abort();
  expect(signal.aborted).toBe(true);
});

it.each(['close', 'error'] as const)('is a stream, which cancels by its %s', async (method) => {
  const { readable, writable } = new TransformStream<Uint8Array>();
  const { signal } = cancellationOf({ signal: readable });
  expect(signal.aborted).toBe(false);
  const cancelled = new Promise((resolve) => signal.addEventListener('abort', resolve));
  await (method === 'close' ? writable.close() : writable.abort());
  await cancelled;
});

it('lets go of the stream when the call ends', async () => {
  const gone = Promise.withResolvers<void>();
  cancellationOf({ signal: new ReadableStream({ cancel: () => gone.resolve() }) }).end();
  await gone.promise;
});

const locked = new ReadableStream();
locked.getReader();

it.each<[unknown, string, string]>([
  [5, 'options', 'must be an object'],
  [new AbortController().signal, 'options', 'must be an object'],
  [{ sginal: AbortSignal.abort() }, 'sginal', 'is not a supported option'],
  [{ signal: true }, 'signal', 'must be an AbortSignal, or a byte stream'],
  [{ signal: locked }, 'signal', 'must be an AbortSignal, or a byte stream'],
])('is nothing else: %o', (options, param, message) => {
  expect(() => cancellationOf(options)).toThrow(
    expect.objectContaining({
      status: 400,
      message: expect.stringContaining(`'${param}' ${message}`),
      details: expect.objectContaining({ param }),
    }),
  );
});
