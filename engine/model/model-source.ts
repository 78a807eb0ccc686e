/** @module Reads a model's files from a source: streamed, with length and SHA-256 verified. */
import { findManifestFault } from '../../model-assets/format/check-manifest.ts';
import { type Manifest, type ModelFile, manifestSchema } from '../../model-assets/format/manifest.ts';
import { ModelFilesError } from './errors.ts';

const CHUNK_BYTES = 1 << 20;

export interface ModelSource {
  /**
   * @param path relative to the model's folder
   * @throws MissingFileError when the file does not exist
   */
  open(path: string): Promise<ReadableStream<Uint8Array>>;
}

/** Incremental SHA-256. */
export interface Sha256 {
  /** The caller may overwrite `bytes` once the promise is fulfilled. */
  update(bytes: Uint8Array): Promise<void>;
  /** Lower-case hexadecimal. */
  digest(): Promise<string>;
}

/** @throws ModelFilesError when the manifest is missing, invalid, inconsistent or of another version */
export async function readManifest(source: ModelSource): Promise<Manifest> {
  const { data, error } = manifestSchema.safeParse(await readJson(source, 'manifest.json'));
  if (!data) {
    const [issue] = error.issues;
    throw new ModelFilesError(
      `manifest.json: ${issue?.path.join('.')}: ${issue?.message}. ` +
        'HINT: convert the model again with this version',
    );
  }
  const fault = findManifestFault(data);
  if (fault === undefined) return data;
  throw new ModelFilesError(`manifest.json: ${fault}. HINT: convert the model again`);
}

/** @throws ModelFilesError when the file is missing, or is not JSON */
export async function readJson(source: ModelSource, path: string): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(source, path)) chunks.push(chunk.slice());
  return parseJson(path, await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text());
}

/** Reads a whole file. */
export async function readFile(
  source: ModelSource,
  file: ModelFile,
  sha256: () => Sha256,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(file.bytes);
  await readVerified(source, file, sha256(), (chunk, offset) => bytes.set(chunk, offset));
  return bytes;
}

/**
 * Streams a file to `sink`, and verifies its length and SHA-256.
 * @throws ModelFilesError when the file is missing, unreadable, short, long or corrupt; `sink` may already
 *   have received a part
 */
export async function readVerified(
  source: ModelSource,
  file: ModelFile,
  hash: Sha256,
  sink: (chunk: Uint8Array, offset: number) => void,
): Promise<void> {
  let offset = 0;
  for await (const chunk of chunksOf(source, file.path)) {
    if (offset + chunk.byteLength > file.bytes) {
      throw new ModelFilesError(`${file.path} is longer than its ${file.bytes} bytes`);
    }
    sink(chunk, offset);
    await hash.update(chunk);
    offset += chunk.byteLength;
  }
  if (offset < file.bytes) {
    throw new ModelFilesError(`${file.path} ends after ${offset} of ${file.bytes} bytes`);
  }
  const digest = await hash.digest();
  if (digest !== file.sha256) {
    throw new ModelFilesError(`${file.path} is corrupt: its SHA-256 is ${digest}, expected ${file.sha256}`);
  }
}

/**
 * Yields a file in chunks of at most 1 MiB. All share one buffer, so a chunk is valid until the next is
 * requested.
 * @throws ModelFilesError when the file is missing or unreadable
 */
async function* chunksOf(source: ModelSource, path: string): AsyncGenerator<Uint8Array> {
  const rethrow = (error: unknown): never => {
    if (error instanceof ModelFilesError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new ModelFilesError(`${path} cannot be read: ${message}`, { cause: error });
  };
  const stream = await source.open(path).catch(rethrow);
  const reader = stream.getReader({ mode: 'byob' });
  let buffer = new ArrayBuffer(CHUNK_BYTES);
  try {
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(buffer)).catch(rethrow);
      if (done || !value) return;
      yield value;
      buffer = value.buffer as ArrayBuffer;
    }
  } finally {
    // Closes the stream when the consumer stops early; no effect on a stream that has ended.
    await reader.cancel().catch(() => {});
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelFilesError(`${path} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}
