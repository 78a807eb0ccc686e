/** @module workerd's services for the engine: a streaming digest, a scheduler. */
import type { Platform } from '../../engine/engine.ts';
import type { Sha256 } from '../../engine/model/model-source.ts';

export const workerdPlatform: Platform = {
  pause: () => scheduler.wait(0),
  now,
  wait: (milliseconds) => scheduler.wait(milliseconds),
  sha256,
};

/**
 * In a deployed Worker the clock stands still until I/O, and after a timer it shows when that was due: a chain of
 * `scheduler.wait(0)` takes no time. A byte through a stream is I/O that takes 25 µs.
 */
async function now(): Promise<number> {
  const { readable, writable } = new IdentityTransformStream();
  await Promise.all([writable.getWriter().write(new Uint8Array(1)), readable.getReader().read()]);
  return performance.now();
}

function sha256(): Sha256 {
  const stream = new crypto.DigestStream('SHA-256');
  const writer = stream.getWriter();
  return {
    update: (bytes) => writer.write(bytes),
    async digest() {
      await writer.close();
      return new Uint8Array(await stream.digest).toHex();
    },
  };
}
