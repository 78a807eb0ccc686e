/** @module Where a model's files come from, and reading them: streamed, and never unverified. */
import { type Manifest, type ModelFile, manifestSchema } from '../../model-assets/format/manifest.ts';
import { ModelFilesError } from './errors.ts';

const CHUNK_BYTES = 1 << 20;

export interface ModelSource {
  /**
   * @param path relative to the model's folder
   * @throws ModelFilesError when there is no such file
   */
  open(path: string): Promise<ReadableStream<Uint8Array>>;
}

/** A running SHA-256. */
export interface Sha256 {
  /** The bytes may be overwritten once the promise is fulfilled. */
  update(bytes: Uint8Array): Promise<void>;
  /** Lower-case hexadecimal. */
  digest(): Promise<string>;
}

/** @throws ModelFilesError when it is missing or not a manifest of this version */
export async function readManifest(source: ModelSource): Promise<Manifest> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(source, 'manifest.json')) chunks.push(chunk.slice());
  const text = await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text();
  const result = manifestSchema.safeParse(parseJson(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ModelFilesError(
    `manifest.json: ${issue?.path.join('.')}: ${issue?.message}. HINT: convert the model again with this version`,
  );
}

/** A small file, whole. */
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
 * Streams a file to `sink` and checks its length and SHA-256 on the way.
 * @throws ModelFilesError when it is missing, cannot be read, is short, long or corrupt; by then `sink` may have had some of it
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
  const found = await hash.digest();
  if (found !== file.sha256) {
    throw new ModelFilesError(`${file.path} is corrupt: its SHA-256 is ${found}, expected ${file.sha256}`);
  }
}

/**
 * A file in chunks of at most 1 MiB that all stand in one buffer: a chunk is gone when the next is asked for.
 * @throws ModelFilesError when it is missing, or reading it fails
 */
async function* chunksOf(source: ModelSource, path: string): AsyncGenerator<Uint8Array> {
  const told = (error: unknown): never => {
    if (error instanceof ModelFilesError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new ModelFilesError(`${path} cannot be read: ${message}`, { cause: error });
  };
  const stream = await source.open(path).catch(told);
  const reader = stream.getReader({ mode: 'byob' });
  let buffer = new ArrayBuffer(CHUNK_BYTES);
  try {
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(buffer)).catch(told);
      if (done || !value) return;
      yield value;
      buffer = value.buffer as ArrayBuffer;
    }
  } finally {
    // Leaves nothing open when the consumer stops early; a stream that has ended takes no notice.
    await reader.cancel().catch(() => {});
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelFilesError(`manifest.json is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}
