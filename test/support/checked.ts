/** @module Holds every answer of the tests to the OpenAPI document, streams event by event. */

import type { OpenApiDocument } from '../../worker/openapi/types.ts';
import { type Exchange, OpenApiCheck } from './openapi-check.ts';

/** Checks one exchange. @returns the answer with its body unread; the body of a stream is checked while it is read */
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
  // Nobody reads it.
  if (init.signal?.aborted) return response;
  const exchange: Exchange = {
    method: (init.method ?? 'GET').toUpperCase(),
    path: new URL(path, 'http://edgebeam').pathname,
    status: response.status,
    contentType: response.headers.get('content-type'),
  };
  if (response.ok && typeof init.body === 'string') {
    // A byte order mark is not of the text.
    check.request(exchange, JSON.parse(init.body.replace(/^\uFEFF/, '')));
  }
  if (response.body && exchange.contentType?.startsWith('text/event-stream')) {
    return new Response(checkedEvents(check, response.body, exchange), response);
  }
  check.answer(exchange, await response.clone().text());
  return response;
}

/** Reads nothing before it is read, and ends what it reads when it is cancelled, as if it were not there. */
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
