/** @module The bytes of a request's body, decompressed if it is compressed (RFC 9110, 8.4). */
import type { Context } from 'hono';
import { ApiError } from './errors.ts';

/** Of a body as sent, and of a decompressed one. */
export const MAX_BODY_BYTES = 2 ** 20;

const FORMATS: ReadonlyMap<string, 'gzip' | 'deflate'> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
]);

/**
 * Compressed bytes that are decompressed at a time. workerd's stream keeps all that a write decompresses to,
 * whether or not anybody reads. Deflate makes at most 1,032 bytes of one, so a slice becomes a megabyte at most
 * before the size is checked.
 */
const SLICE_BYTES = 1024;

/** @throws ApiError 415 for an unknown encoding, 400 for damaged data, 413 for a body that becomes too large */
export async function requestBody(c: Context): Promise<ArrayBuffer> {
  const encoding = (c.req.header('content-encoding') ?? '').trim().toLowerCase();
  if (encoding === '' || encoding === 'identity') return await c.req.arrayBuffer();
  const format = FORMATS.get(encoding);
  if (!format) {
    throw new ApiError(415, `The content encoding must be gzip or deflate, not '${encoding}'`, {
      code: 'unsupported_encoding',
      headers: { 'accept-encoding': 'gzip, deflate' },
    });
  }
  try {
    return await decompressed(new Uint8Array(await c.req.arrayBuffer()), format);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, `The request body is not valid ${encoding}`, { code: 'invalid_encoding' });
  }
}

export function bodyTooLarge(): ApiError {
  const message = `The request body is larger than ${MAX_BODY_BYTES} bytes`;
  return new ApiError(413, message, { code: 'body_too_large' });
}

/** @throws ApiError 413; TypeError for damaged, truncated or trailing data */
async function decompressed(body: Uint8Array, format: 'gzip' | 'deflate'): Promise<ArrayBuffer> {
  const { readable, writable } = new DecompressionStream(format);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const feed = async () => {
    const writer = writable.getWriter();
    for (let start = 0; start < body.length && bytes <= MAX_BODY_BYTES; start += SLICE_BYTES) {
      await writer.write(body.subarray(start, start + SLICE_BYTES));
      // Waits until the reader below has taken all of it.
      for (let before = -1; before < bytes; ) {
        before = bytes;
        await scheduler.wait(0);
      }
    }
    await writer.close();
  };
  // The reader gets the same error.
  feed().catch(() => {});
  for await (const chunk of readable) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) throw bodyTooLarge();
    chunks.push(chunk);
  }
  return await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer();
}
