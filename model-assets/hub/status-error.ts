/**
 * @module What the hub's answers outside the 200s mean, and what the user can do.
 *
 * The hub names the cause in `X-Error-Code`, as huggingface_hub's `hf_raise_for_status` reads it. Without a token it
 * answers 401 also for a model that does not exist, so as not to tell which private ones do.
 */
import { HubError, NoModelError, TransientError } from './errors.ts';
import type { HubSettings } from './settings.ts';

/** What a request is for. */
export interface Wanted {
  readonly id: string;
  readonly revision: string;
  readonly file?: string;
}

export function statusError(
  response: Response,
  { endpoint, token }: Pick<HubSettings, 'endpoint' | 'token'>,
  { id, revision, file }: Wanted,
): Error {
  const { status, statusText, headers } = response;
  const { origin, host } = new URL(response.url);
  const answer = `${host} answered ${[status, statusText].join(' ').trim()}`;
  // Elsewhere the address was signed, for a while: the next try gets a new one.
  const isElsewhere = origin !== new URL(endpoint).origin;
  if (isElsewhere || status === 408 || status === 429 || status >= 500) {
    return new TransientError(`${answer}${file ? ` for ${file}` : ''}`, { wait: waitOf(headers) });
  }
  const page = `${endpoint}/${id}`;
  switch (headers.get('x-error-code')) {
    case 'GatedRepo':
      return new HubError(
        token
          ? `${id} is gated and HF_TOKEN is not let in: ask for access at ${page}`
          : `${id} is gated: ask for access at ${page}, then set HF_TOKEN to a token of yours (${endpoint}/settings/tokens)`,
      );
    case 'RevisionNotFound':
      return new HubError(
        `${id} has no revision ${revision}: --revision takes a branch, a tag or a whole commit hash of ${page}`,
      );
    case 'EntryNotFound':
      return new HubError(
        `${id} has no file ${file} at revision ${revision}: ${page}/tree/${revision} lists its files`,
      );
  }
  if (status === 401 && token && headers.get('x-error-code') !== 'RepoNotFound') {
    return new HubError(
      `${host} does not accept HF_TOKEN: make a new one at ${endpoint}/settings/tokens, or unset it`,
    );
  }
  if (status === 403)
    return new HubError(`HF_TOKEN may not read ${id}: give it read access at ${endpoint}/settings/tokens`);
  if (status === 401 || status === 404) {
    return new NoModelError(
      token
        ? `There is no model ${id} on ${endpoint}, or HF_TOKEN may not see it`
        : `There is no model ${id} on ${endpoint}, or it is private: then set HF_TOKEN to a token that may read it`,
    );
  }
  return new HubError(
    `${answer} for ${response.url}: ${headers.get('x-error-message') ?? 'it says no more'}`,
  );
}

/**
 * `Retry-After` in seconds or as a date (RFC 9110), or the hub's own `RateLimit: "api";r=0;t=55`, seconds until the
 * limit is reset.
 *
 * @returns milliseconds
 */
function waitOf(headers: Headers): number | undefined {
  const after = headers.get('retry-after');
  if (after !== null) {
    const wait = /^\d+$/.test(after) ? 1000 * Number(after) : Date.parse(after) - Date.now();
    return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
  }
  const reset = /\br=0\b.*\bt=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1];
  return reset === undefined ? undefined : 1000 * Number(reset);
}
