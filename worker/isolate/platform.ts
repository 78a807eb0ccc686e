/** @module workerd's services for the engine: a streaming digest, a scheduler, and sources of model files. */
import type { Platform } from '../../engine/engine.ts';
import { ModelFilesError } from '../../engine/model/errors.ts';
import type { ModelSource, Sha256 } from '../../engine/model/model-source.ts';

export const workerdPlatform: Platform = {
  pause: () => scheduler.wait(0),
  now,
  wait: (milliseconds) => scheduler.wait(milliseconds),
  sha256,
};

/** Static assets. The binding ignores the host of the URL. */
export function assetsSource(assets: Fetcher, prefix = ''): ModelSource {
  return {
    async open(path) {
      const response = await assets.fetch(`http://assets/${prefix}${path}`);
      if (!response.ok || !response.body) {
        throw new ModelFilesError(`${prefix}${path} is not among the assets (status ${response.status})`);
      }
      return response.body;
    },
  };
}

/** An R2 bucket, for models that change without a deployment or exceed the size limits of static assets. */
export function bucketSource(bucket: R2Bucket, prefix = ''): ModelSource {
  return {
    async open(path) {
      const object = await bucket.get(prefix + path);
      if (!object) throw new ModelFilesError(`${prefix}${path} is not in the bucket`);
      return object.body;
    },
  };
}

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
