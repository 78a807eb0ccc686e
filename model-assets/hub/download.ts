/**
 * @module Downloads a file from the hub, resumes partial files and verifies the digest.
 *
 * The client (`@huggingface/hub` 2.17.5) does neither: its `downloadFileToCacheDir` writes every file from
 * the start and compares no digest. Files in Xet are downloaded over plain HTTP, as the hub offers it to
 * clients without its protocol.
 */
import { rm } from 'node:fs/promises';
import { HubError, TransientError } from './errors.ts';
import { PartialFile } from './partial-file.ts';
import type { HubFile, Repository } from './repository.ts';
import { type HubAccess, networkError, request } from './request.ts';
import { withRetries } from './retry.ts';

/** Received bytes that reset the count of failures. */
const MIN_PROGRESS_BYTES = 1 << 20;

/**
 * Downloads a file to `path`. Resumes after the bytes that `path` already has.
 *
 * @param onBytes called with the number of bytes in `path`, after each chunk
 * @throws HubError if the file is not available, its digest is wrong (`path` is removed then) or the disk is
 *   full; the signal's reason on abort. Received bytes stay in `path` for the next run.
 */
export async function downloadFile(
  access: HubAccess,
  repository: Pick<Repository, 'id' | 'commit'>,
  file: HubFile,
  path: string,
  onBytes: (bytes: number) => void = () => {},
): Promise<void> {
  const partial = await PartialFile.open(path, file, access.signal);
  let verified: boolean;
  try {
    // Measured from the furthest byte: a server without ranges sends the first bytes in every attempt.
    let furthest = partial.position;
    const hasProgressed = () => {
      const progressed = partial.position >= furthest + MIN_PROGRESS_BYTES;
      if (progressed) furthest = partial.position;
      return progressed;
    };
    onBytes(partial.position);
    const attempt = () => fetchRest(access, repository, file, partial, onBytes);
    if (!partial.isComplete) await withRetries(attempt, { ...access, ...access.retryPolicy, hasProgressed });
    verified = await partial.verify();
  } finally {
    await partial.close();
  }
  if (verified) return;
  await rm(path, { force: true });
  const kind = file.digest.algorithm === 'sha256' ? 'SHA-256' : 'Git SHA-1';
  throw new HubError(
    `${file.name} does not have the ${kind} that the hub lists, ${file.digest.hex}. ` +
      'It was removed; run the command again',
  );
}

/** One attempt: a request for the missing bytes. */
async function fetchRest(
  access: HubAccess,
  { id, commit }: Pick<Repository, 'id' | 'commit'>,
  file: HubFile,
  partial: PartialFile,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const url = `${access.endpoint}/${id}/resolve/${commit}/${file.name.split('/').map(encodeURIComponent).join('/')}`;
  const target = { id, revision: commit, file: file.name };
  const idle = new AbortController();
  const { idleTimeout } = access.retryPolicy;
  const timer = setTimeout(() => {
    const message = `${file.name}: received no data for ${idleTimeout / 1000} s`;
    idle.abort(new TransientError(message, { networkCode: 'TIMEOUT' }));
  }, idleTimeout);
  let responseUrl = url;
  try {
    const response = await request(access, target, url, {
      // Otherwise the hub compresses small files, and ranges do not apply to their decompressed bytes.
      headers: { 'accept-encoding': 'identity', ...rangeFrom(partial.position) },
      signal: idle.signal,
    });
    responseUrl = response.url;
    if (partial.position > 0 && !resumesAt(response, partial.position, file)) partial.rewind();
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      await partial.write(chunk);
      onBytes(partial.position);
    }
  } catch (error) {
    throw networkError(error, access, responseUrl);
  } finally {
    clearTimeout(timer);
  }
  if (!partial.isComplete) {
    throw new TransientError(`${file.name} ended after ${partial.position} of ${file.bytes} bytes`);
  }
}

const rangeFrom = (position: number) => (position > 0 ? { range: `bytes=${position}-` } : undefined);

/**
 * A server may answer a range request with the whole file and status 200 (RFC 9110, 14.2).
 *
 * @returns whether the response contains the requested range.
 * @throws HubError if it contains a different range.
 */
function resumesAt(response: Response, position: number, { name, bytes }: HubFile): boolean {
  if (response.status !== 206) return false;
  const range = response.headers.get('content-range');
  if (range === `bytes ${position}-${bytes - 1}/${bytes}`) return true;
  throw new HubError(
    `${name}: requested the bytes from ${position} of ${bytes}, ${new URL(response.url).host} sent ${range}`,
  );
}
