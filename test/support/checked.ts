/** @module Checks every answer of the tests against the OpenAPI document, streams event by event. */
import type { OpenApiDocument } from '../../worker/openapi/types.ts';
import { type Exchange, OpenApiCheck } from './openapi-check.ts';

/** Checks one exchange. @returns the answer, with an unread body; a stream is checked while it is read */
export type CheckedAnswer = (path: string, init: RequestInit, response: Response) => Promise<Response>;

export function answerChecker(document: OpenApiDocument): CheckedAnswer {
  const check = new OpenApiCheck(document);
  return (path, init, response) => checked(check, path, init, response);
}

async function checked(
  check: OpenApiCheck,
  path: string,
  init: RequestInit,
  response: Response,
): Promise<Response> {
  // The test does not read the answer.
  if (init.signal?.aborted) return response;
  const exchange: Exchange = {
    method: (init.method ?? 'GET').toUpperCase(),
    path: new URL(path, 'http://edgebeam').pathname,
    status: response.status,
    contentType: response.headers.get('content-type'),
  };
  if (response.ok && typeof init.body === 'string') {
    // The byte order mark is not part of the JSON text.
    check.request(exchange, JSON.parse(init.body.replace(/^\uFEFF/, '')));
  }
  if (response.body && exchange.contentType?.startsWith('text/event-stream')) {
    return new Response(checkedEvents(check, response.body, exchange), response);
  }
  check.answer(exchange, await response.clone().text());
  return response;
}

/** Passes the stream through, checks its events, and propagates backpressure and cancellation. */
function checkedEvents(
  check: OpenApiCheck,
  body: ReadableStream<Uint8Array>,
  exchange: Exchange,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
        const messages = rest.split('\n\n');
        rest = messages.pop() ?? '';
        for (const message of messages) check.event(exchange, message.replace(/^data: /, ''));
        if (!done) return controller.enqueue(value);
        if (rest !== '') throw new Error(`the stream ends within an event: ${rest}`);
        controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
