/**
 * @module The request bodies that an isolate holds: those that arrive, and those of requests that wait. Slow or
 * many clients hold a bounded number of bytes, and cannot keep others out for long.
 */
import type { Context } from 'hono';
import { bodyTooLarge, MAX_BODY_BYTES } from './body-limit.ts';
import { ApiError, retryLater } from './errors.ts';
import { freeBytes, GrowingBytes } from './growing-bytes.ts';

/** Of all bodies together. */
const MAX_HELD_BYTES = 2 * 2 ** 20;
/** A request's own objects, beside its body's bytes. Counting them bounds the number of bodies. */
const REQUEST_BYTES = 1024;
/** A body must have arrived within this time, … */
const ARRIVAL_MILLISECONDS = 30_000;
/** … and within this time if others need its bytes. */
const PATIENCE_MILLISECONDS = 2_000;
/** Bytes that are read at a time. */
const WINDOW_BYTES = 16_384;
/** How often a body that does not arrive is checked. */
const CHECK_MILLISECONDS = 500;
/** The platform may drop a request without its `finally`: its bytes are free after this time. */
const LIFETIME_MILLISECONDS = 120_000;

export class HeldBody {
  readonly openedAt = Date.now();
  bytes = REQUEST_BYTES;
  isArriving = true;
  /** Whether its bytes went to another request while it arrived. */
  isEvicted = false;
  readonly #onClose: (body: HeldBody) => void;

  constructor(onClose: (body: HeldBody) => void) {
    this.#onClose = onClose;
  }

  get age(): number {
    return Date.now() - this.openedAt;
  }

  /** Closing twice is fine. */
  close(): void {
    this.#onClose(this);
  }
}

export class RequestBodies {
  readonly #held = new Set<HeldBody>();

  /** Of all bodies, with what their requests take. */
  get bytes(): number {
    return this.#held.values().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Reads a body to its end.
   * @returns the body's bytes, and the object that holds them in the account: the caller closes it
   * @throws ApiError 413 for a body that is too large, 408 for one that is too slow, 503 if there are too many
   */
  async receive(c: Context): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly held: HeldBody }> {
    if (Number(c.req.header('content-length') ?? 0) > MAX_BODY_BYTES) throw bodyTooLarge();
    const held = new HeldBody((body) => this.#held.delete(body));
    this.#held.add(held);
    const bytes = new GrowingBytes();
    try {
      this.#grow(held, 0);
      const stream: ReadableStream<Uint8Array<ArrayBuffer>> | null = c.req.raw.body;
      if (stream) {
        for await (const chunk of arriving(readerOf(stream), held)) {
          this.#grow(held, chunk.byteLength);
          if (held.bytes > MAX_BODY_BYTES + REQUEST_BYTES) throw bodyTooLarge();
          bytes.append(chunk);
        }
      }
      held.isArriving = false;
      return { bytes: bytes.take(), held };
    } catch (error) {
      freeBytes(bytes.take());
      held.close();
      throw error;
    }
  }

  /** @throws ApiError 503 */
  #grow(held: HeldBody, bytes: number): void {
    held.bytes += bytes;
    if (this.bytes <= MAX_HELD_BYTES) return;
    for (const body of this.#held) if (body.age > LIFETIME_MILLISECONDS) body.close();
    let excess = this.bytes - MAX_HELD_BYTES;
    // The oldest first: a set keeps the order of its insertions.
    for (const body of this.#held) {
      if (excess <= 0) return;
      if (body === held || !body.isArriving || body.age < PATIENCE_MILLISECONDS) continue;
      body.isEvicted = true;
      body.close();
      excess -= body.bytes;
    }
    if (excess > 0) {
      throw retryLater('overloaded', `Busy: open requests have bodies of ${MAX_HELD_BYTES} bytes together`);
    }
  }
}

/** What `arriving` needs of a reader. */
type ChunkReader = Pick<ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>, 'read' | 'cancel'>;

/**
 * Reads each chunk into the same window, so it is valid until the next one is read. A stream that a Worker makes of its
 * own objects, and hands to the app that it mounts, may have no such reader.
 */
function readerOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): ChunkReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: 'byob' });
  } catch {
    return stream.getReader();
  }
  let window = new Uint8Array(WINDOW_BYTES);
  return {
    async read() {
      const result = await reader.read(window);
      if (!result.done) window = new Uint8Array(result.value.buffer);
      return result;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

/**
 * The chunks of a body. While none comes, checks whether it still may: a request must not await a promise of
 * another one, which could evict it.
 * @throws ApiError 408
 */
async function* arriving(
  reader: ChunkReader,
  held: HeldBody,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let [reading, check] = [reader.read(), nextCheck()];
  for (;;) {
    const result = await Promise.race([reading, check]);
    if (held.isEvicted || held.age > ARRIVAL_MILLISECONDS) {
      reader.cancel().catch(() => {});
      throw tooSlow(held.isEvicted ? PATIENCE_MILLISECONDS : ARRIVAL_MILLISECONDS);
    }
    if (!result) check = nextCheck();
    else if (result.done) return;
    else {
      yield result.value;
      reading = reader.read();
    }
  }
}

const nextCheck = () => scheduler.wait(CHECK_MILLISECONDS).then(() => undefined);

function tooSlow(milliseconds: number): ApiError {
  const message = `The request body has not arrived within ${milliseconds / 1000} seconds`;
  return new ApiError(408, message, { code: 'request_timeout' });
}
