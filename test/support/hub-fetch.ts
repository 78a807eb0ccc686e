/** @module Fetching from the test's hub in this process, with a cache of its own and no patience. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_CHECKPOINT } from '../../model-assets/ensure.ts';
import {
  type FetchedCheckpoint,
  type FetchOptions,
  fetchCheckpoint,
} from '../../model-assets/hub/checkpoint.ts';
import type { HubServer } from './hub-server.ts';

export const QUICK = { retries: 3, firstWait: 1, stall: 30_000 };
export const SIZE = 13_941_160;
export const WEIGHTS = 'model.safetensors';

export interface TestFetch extends Partial<FetchOptions> {
  readonly token?: string;
}

/** Fetches `edgebeam/default` into the cache at `cacheDir`. @returns also the notices. */
export async function fetchFrom(
  hub: Pick<HubServer, 'url'>,
  cacheDir: string,
  { token, ...options }: TestFetch = {},
): Promise<FetchedCheckpoint & { notices: string[] }> {
  const notices: string[] = [];
  const fetched = await fetchCheckpoint({
    id: 'edgebeam/default',
    settings: { endpoint: hub.url, offline: false, ...(token && { token }) },
    cacheDir,
    patience: QUICK,
    onNotice: (text) => notices.push(text),
    ...options,
  });
  return { ...fetched, notices };
}

/** The requests for the bytes of the weights. */
export const weightRequests = (hub: HubServer) => hub.seen.filter(({ server }) => server === 'cdn');

export const isDefaultModel = async (folder: string) =>
  (await readFile(join(folder, WEIGHTS))).equals(await readFile(join(DEFAULT_CHECKPOINT, WEIGHTS)));
