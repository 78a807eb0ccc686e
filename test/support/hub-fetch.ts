/**
 * @module Downloads from the test hub in this process, with a cache folder per test and short retry delays.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_CHECKPOINT } from '../../model-assets/ensure.ts';
import {
  type FetchedCheckpoint,
  type FetchOptions,
  fetchCheckpoint,
} from '../../model-assets/hub/checkpoint.ts';
import type { HubServer } from './hub-server.ts';

export const FAST_RETRIES = { retries: 3, firstDelay: 1, idleTimeout: 30_000 };
/** Size of the default model's {@link WEIGHTS}. */
export const WEIGHT_BYTES = 13_941_160;
export const WEIGHTS = 'model.safetensors';

export interface TestFetchOptions extends Partial<FetchOptions> {
  readonly token?: string;
}

/** Downloads `edgebeam/default` into the cache at `cacheDir`. @returns also the notices. */
export async function fetchFrom(
  hub: Pick<HubServer, 'url'>,
  cacheDir: string,
  { token, ...options }: TestFetchOptions = {},
): Promise<FetchedCheckpoint & { notices: string[] }> {
  const notices: string[] = [];
  const fetched = await fetchCheckpoint({
    id: 'edgebeam/default',
    settings: { endpoint: hub.url, offline: false, ...(token && { token }) },
    cacheDir,
    retryPolicy: FAST_RETRIES,
    onNotice: (text) => notices.push(text),
    ...options,
  });
  return { ...fetched, notices };
}

/** The requests for weights: those to the CDN. */
export const weightRequests = (hub: HubServer) => hub.requests.filter(({ server }) => server === 'cdn');

export const isDefaultModel = async (folder: string) =>
  (await readFile(join(folder, WEIGHTS))).equals(await readFile(join(DEFAULT_CHECKPOINT, WEIGHTS)));
