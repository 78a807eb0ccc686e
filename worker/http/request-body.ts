/** @module The bytes of a request's body, decompressed if it is compressed (RFC 9110, 8.4). */
import type { Context } from 'hono';
import { bodyTooLarge, MAX_BODY_BYTES } from './body-limit.ts';
import type { AppEnv } from './env.ts';
import { ApiError } from './errors.ts';
import { freeBytes, GrowingBytes } from './growing-bytes.ts';

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

/**
 * @throws ApiError 415 for an unknown encoding, 400 for damaged data, 413 for a body that becomes too large, and
 *   those of `RequestBodies.receive`
 */
export async function requestBody(c: Context<AppEnv>): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = c.get('bodyBytes') ?? (await readBody(c));
  c.set('bodyBytes', bytes);
  return bytes;
}

async function readBody(c: Context<AppEnv>): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = (c.req.header('content-encoding') ?? '').trim().toLowerCase();
  if (encoding === '' || encoding === 'identity') return await received(c);
  const format = FORMATS.get(encoding);
  if (!format) {
    throw new ApiError(415, `The content encoding must be gzip or deflate, not '${encoding}'`, {
      code: 'unsupported_encoding',
      headers: { 'accept-encoding': 'gzip, deflate' },
    });
  }
  const body = await received(c);
  try {
    return await decompressed(body, format);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, `The request body is not valid ${encoding}`, { code: 'invalid_encoding' });
  } finally {
    freeBytes(body);
  }
}

async function received(c: Context<AppEnv>): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes, held } = await c.get('bodies').receive(c);
  c.set('body', held);
  return bytes;
}

/** @throws ApiError 413; TypeError for damaged, truncated or trailing data */
async function decompressed(body: Uint8Array, format: 'gzip' | 'deflate'): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new DecompressionStream(format);
  const bytes = new GrowingBytes();
  let length = 0;
  const feed = async () => {
    const writer = writable.getWriter();
    for (let start = 0; start < body.length && length <= MAX_BODY_BYTES; start += SLICE_BYTES) {
      await writer.write(body.subarray(start, start + SLICE_BYTES));
      // Waits until the reader below has taken all of it.
      for (let before = -1; before < length; ) {
        before = length;
        await scheduler.wait(0);
      }
    }
    await writer.close();
  };
  // The reader gets the same error.
  feed().catch(() => {});
  for await (const chunk of readable as ReadableStream<Uint8Array<ArrayBuffer>>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw bodyTooLarge();
    bytes.append(chunk);
  }
  return bytes.take();
}
