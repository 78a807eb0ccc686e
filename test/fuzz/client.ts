/** @module Sends one request and keeps the whole answer, or the events of a stream. */
import type { FuzzRequest } from './requests.ts';

/** Longer than any answer takes, also on a busy machine. */
const TIMEOUT_MILLISECONDS = 180_000;

export interface FuzzAnswer {
  /** null if there was none. */
  readonly status: number | null;
  readonly contentType: string | null;
  /** The body; empty for a stream. */
  readonly text: string;
  /** The data of a stream's events; null if the answer is no stream. */
  readonly events: readonly string[] | null;
  /** Whether the client disconnected, before or after the end. */
  readonly disconnected: boolean;
  /** Why there is no complete answer, if the client did not disconnect. */
  readonly failure: string | null;
}

export async function send(url: string, request: FuzzRequest): Promise<FuzzAnswer> {
  const { method, path, headers, body, disconnect } = request;
  const connection = new AbortController();
  const timeout = AbortSignal.timeout(TIMEOUT_MILLISECONDS);
  const signal = AbortSignal.any([connection.signal, timeout]);
  const timer =
    disconnect?.after === 'milliseconds' ? setTimeout(() => connection.abort(), disconnect.count) : undefined;
  const answer = { status: null as number | null, contentType: null as string | null, text: '' };
  let events: string[] | null = null;
  let failure: string | null = null;
  try {
    // fetch adds a content type to a body that is text.
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
    const response = await fetch(url + path, { method, headers, body: bytes, signal, redirect: 'manual' });
    answer.status = response.status;
    answer.contentType = response.headers.get('content-type');
    if (answer.contentType?.startsWith('text/event-stream') && response.body) {
      events = [];
      for await (const event of eventsOf(response.body)) {
        events.push(event);
        if (disconnect?.after === 'events' && events.length >= disconnect.count) connection.abort();
      }
    } else {
      answer.text = await response.text();
    }
  } catch (error) {
    if (timeout.aborted) failure = `no complete answer within ${TIMEOUT_MILLISECONDS / 1000} s`;
    else if (!connection.signal.aborted) failure = describe(error);
  } finally {
    clearTimeout(timer);
  }
  return { ...answer, events, disconnected: connection.signal.aborted, failure };
}

async function* eventsOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const messages = (rest + chunk).split('\n\n');
    rest = messages.pop() ?? '';
    for (const message of messages) {
      if (!message.startsWith('data: ')) throw new Error(`not an event: ${message}`);
      yield message.slice('data: '.length);
    }
  }
  if (rest !== '') throw new Error(`the stream ends within an event: ${rest}`);
}

function describe(error: unknown): string {
  return error instanceof Error && error.cause ? `${error}: ${error.cause}` : String(error);
}
