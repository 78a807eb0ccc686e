/** @module Reads the events of a stream, in the Worker that calls. */
import { type ErrorBody, rpcError } from './errors.ts';
import type { CompletionChunk } from './types.ts';

/**
 * The events of `stream` or `streamChat`. Leaving the loop ends the generation.
 * @throws Error with the fields of `RpcErrorFields` for a generation that fails half way, and another Error for a stream
 *   that ends before its last event
 */
export async function* readEvents<Chunk = CompletionChunk>(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<Chunk, void, undefined> {
  const reader = stream.getReader();
  const utf8 = new TextDecoder();
  let text = '';
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const events = (text + utf8.decode(read.value, { stream: true })).split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const data = event.replace(/^data: /, '');
        if (data === '[DONE]') return;
        const chunk = JSON.parse(data) as Chunk | ErrorBody;
        if (isErrorBody(chunk)) throw rpcError(chunk, chunk.error.type === 'server_error' ? 500 : 400);
        yield chunk;
      }
    }
    throw new Error('The stream ended before its last event');
  } finally {
    await reader.cancel();
  }
}

function isErrorBody(chunk: unknown): chunk is ErrorBody {
  return typeof chunk === 'object' && chunk !== null && 'error' in chunk;
}
