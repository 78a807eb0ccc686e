/**
 * @module The environment variables of Python's huggingface_hub, with the same names and meaning.
 *
 * Those of the cache (`HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`) are read by the client's `getHFHubCachePath`.
 */
import { HubError } from './errors.ts';

export interface HubSettings {
  /** The hub's address without a slash at its end. */
  readonly endpoint: string;
  readonly token?: string;
  /** Take what the cache has and ask nobody. */
  readonly offline: boolean;
}

/** @throws HubError if `HF_ENDPOINT` is not an http or https address. */
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
