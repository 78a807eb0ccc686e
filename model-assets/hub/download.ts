/**
 * @module One file of the hub onto the disk: resumed after a break, in this run or a later one, and verified.
 *
 * This part is ours because the client (`@huggingface/hub` 2.17.5) has neither: its `downloadFileToCacheDir` writes
 * every file from the start, and no digest is compared. Files in Xet come the same way, as the hub serves them to
 * clients without its protocol.
 */
import { rm } from 'node:fs/promises';
import { HubError, TransientError } from './errors.ts';
import { PartialFile } from './partial-file.ts';
import type { HubFile, Repository } from './repository.ts';
import { type HubAccess, networkError, request } from './request.ts';
import { withRetries } from './retry.ts';

/** So many bytes more than at the last time make up for all failures since then. */
const ADVANCE = 1 << 20;

/**
 * Fetches a file into `path`, after the bytes that are there already.
 *
 * @param onBytes told how many bytes are there, after each piece
 * @throws HubError when it cannot be had, is not what the hub lists (`path` is removed then) or the disk is full; the
 *   signal's reason when it is aborted. What has come stays in `path` for the next time.
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
    // Against the furthest byte: a server without ranges sends the first ones over and over.
    let furthest = partial.position;
    const hasAdvanced = () => {
      const advanced = partial.position >= furthest + ADVANCE;
      if (advanced) furthest = partial.position;
      return advanced;
    };
    onBytes(partial.position);
    const attempt = () => fetchRest(access, repository, file, partial, onBytes);
    if (!partial.isComplete) await withRetries(attempt, { ...access, ...access.patience, hasAdvanced });
    verified = await partial.verify();
  } finally {
    await partial.close();
  }
  if (verified) return;
  await rm(path, { force: true });
  const kind = file.digest.algorithm === 'sha256' ? 'SHA-256' : 'Git SHA-1';
  throw new HubError(
    `${file.name} does not have the ${kind} that the hub lists, ${file.digest.hex}: it was removed, run the command again`,
  );
}

/** One try: a request, and its body as far as it comes. */
async function fetchRest(
  access: HubAccess,
  { id, commit }: Pick<Repository, 'id' | 'commit'>,
  file: HubFile,
  partial: PartialFile,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const url = `${access.endpoint}/${id}/resolve/${commit}/${encodeURIComponent(file.name)}`;
  const wanted = { id, revision: commit, file: file.name };
  const silence = new AbortController();
  const { stall } = access.patience;
  const timer = setTimeout(() => {
    const message = `${file.name}: nothing came for ${stall / 1000} s`;
    silence.abort(new TransientError(message, { networkCode: 'TIMEOUT' }));
  }, stall);
  let address = url;
  try {
    const response = await request(access, wanted, url, {
      // Small files would come compressed, which no range fits.
      headers: { 'accept-encoding': 'identity', ...rangeFrom(partial.position) },
      signal: silence.signal,
    });
    address = response.url;
    if (partial.position > 0 && !continuesAt(response, partial.position, file)) partial.rewind();
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      await partial.write(chunk);
      onBytes(partial.position);
    }
  } catch (error) {
    throw networkError(error, access, address);
  } finally {
    clearTimeout(timer);
  }
  if (!partial.isComplete) {
    throw new TransientError(`${file.name} ended after ${partial.position} of ${file.bytes} bytes`);
  }
}

const rangeFrom = (position: number) => (position > 0 ? { range: `bytes=${position}-` } : undefined);

/**
 * A server may answer a range with the whole file and status 200 (RFC 9110, 14.2).
 *
 * @throws HubError if it sends a range of something else.
 */
function continuesAt(response: Response, position: number, { name, bytes }: HubFile): boolean {
  if (response.status !== 206) return false;
  const range = response.headers.get('content-range');
  if (range === `bytes ${position}-${bytes - 1}/${bytes}`) return true;
  throw new HubError(
    `${name}: asked for its bytes from ${position} of ${bytes} on, ${new URL(response.url).host} sent ${range}`,
  );
}
