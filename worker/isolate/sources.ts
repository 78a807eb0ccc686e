/** @module Sources of a model's files in a Worker. */
import { MissingFileError, ModelFilesError } from '../../engine/model/errors.ts';
import type { ModelSource } from '../../engine/model/model-source.ts';

/** A binding of static assets. It ignores the host of the URL. */
interface Assets {
  fetch(url: string): Promise<Pick<Response, 'ok' | 'status'> & { readonly body: unknown }>;
}

/** An R2 bucket. */
interface Bucket {
  get(key: string): Promise<{ readonly body: unknown } | null>;
}

/** @param prefix of the model's folder, with a trailing slash */
export function assetsSource(assets: Assets, prefix = ''): ModelSource {
  return {
    async open(path) {
      const response = await assets.fetch(`http://assets/${prefix}${path}`);
      if (!response.ok || !response.body) {
        const FileError = response.status === 404 ? MissingFileError : ModelFilesError;
        throw new FileError(`${prefix}${path} is not among the assets (status ${response.status})`);
      }
      return response.body as ReadableStream<Uint8Array>;
    },
  };
}

/**
 * A bucket, for models that change without a deployment or exceed the size limits of static assets.
 * @param prefix of the model's folder, with a trailing slash
 */
export function bucketSource(bucket: Bucket, prefix = ''): ModelSource {
  return {
    async open(path) {
      const object = await bucket.get(prefix + path);
      if (!object) throw new MissingFileError(`${prefix}${path} is not in the bucket`);
      return object.body as ReadableStream<Uint8Array>;
    },
  };
}
