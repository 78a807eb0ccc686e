/**
 * @module Reads the environment variables of Python's huggingface_hub, with the same names and meaning.
 *
 * The client's `getHFHubCachePath` reads those of the cache: `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`.
 */
import { HubError } from './errors.ts';

export interface HubSettings {
  /** The hub's address without a trailing slash. */
  readonly endpoint: string;
  readonly token?: string;
  /** Use the cache only, send no requests. */
  readonly offline: boolean;
}

/** @throws HubError if `HF_ENDPOINT` is not an HTTP or HTTPS address. */
export function readSettings(env: NodeJS.ProcessEnv = process.env): HubSettings {
  const { HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE = '' } = env;
  const endpoint = (HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
  const { protocol } = URL.parse(endpoint) ?? {};
  if (protocol !== 'https:' && protocol !== 'http:') {
    throw new HubError(`HF_ENDPOINT is "${HF_ENDPOINT}", expected an address such as https://huggingface.co`);
  }
  const token = HF_TOKEN?.trim();
  return { endpoint, offline: /^(1|on|yes|true)$/i.test(HF_HUB_OFFLINE), ...(token && { token }) };
}
