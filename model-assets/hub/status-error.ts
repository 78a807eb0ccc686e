/**
 * @module Converts the hub's error responses into errors with a remedy.
 *
 * As in huggingface_hub's `hf_raise_for_status`, `X-Error-Code` identifies the cause. Without a token, a
 * missing model gets a 401 like a private one, so that the response does not reveal private names.
 */
import { HubError, NoModelError, TransientError } from './errors.ts';
import type { HubSettings } from './settings.ts';

/** The subject of a request, for errors. */
export interface RequestTarget {
  readonly id: string;
  readonly revision: string;
  readonly file?: string;
}

export function statusError(
  response: Response,
  { endpoint, token }: Pick<HubSettings, 'endpoint' | 'token'>,
  { id, revision, file }: RequestTarget,
): Error {
  const { status, statusText, headers } = response;
  const { origin, host } = new URL(response.url);
  const answer = `${host} answered ${[status, statusText].join(' ').trim()}`;
  // Redirects to another origin have a signed URL, which expires. A retry gets a new one.
  const isRedirected = origin !== new URL(endpoint).origin;
  if (isRedirected || status === 408 || status === 429 || status >= 500) {
    return new TransientError(`${answer}${file ? ` for ${file}` : ''}`, {
      retryAfter: retryAfterOf(headers),
    });
  }
  const page = `${endpoint}/${id}`;
  switch (headers.get('x-error-code')) {
    case 'GatedRepo':
      return new HubError(
        token
          ? `${id} is gated and HF_TOKEN has no access: request access at ${page}`
          : `${id} is gated: request access at ${page}, ` +
              `then set HF_TOKEN to a token from ${endpoint}/settings/tokens`,
      );
    case 'RevisionNotFound':
      return new HubError(
        `${id} has no revision ${revision}: ` +
          `--revision takes a branch, a tag or a full commit hash of ${page}`,
      );
    case 'EntryNotFound':
      return new HubError(
        `${id} has no file ${file} at revision ${revision}: see ${page}/tree/${revision} for its files`,
      );
  }
  if (status === 401 && token && headers.get('x-error-code') !== 'RepoNotFound') {
    return new HubError(
      `${host} does not accept HF_TOKEN: create a new token at ${endpoint}/settings/tokens, or unset it`,
    );
  }
  if (status === 403)
    return new HubError(`HF_TOKEN has no access to ${id}: grant read access at ${endpoint}/settings/tokens`);
  if (status === 401 || status === 404) {
    return new NoModelError(
      token
        ? `The model ${id} does not exist on ${endpoint}, or HF_TOKEN has no access to it`
        : `The model ${id} does not exist on ${endpoint}, or it is private: ` +
            'set HF_TOKEN to a token with read access',
    );
  }
  return new HubError(
    `${answer} for ${response.url}: ${headers.get('x-error-message') ?? 'no error message'}`,
  );
}

/**
 * Reads `Retry-After` in seconds or as a date (RFC 9110), or the hub's own `RateLimit: "api";r=0;t=55`,
 * seconds until the limit is reset.
 *
 * @returns milliseconds
 */
function retryAfterOf(headers: Headers): number | undefined {
  const retryAfter = headers.get('retry-after');
  if (retryAfter !== null) {
    const delay = /^\d+$/.test(retryAfter) ? 1000 * Number(retryAfter) : Date.parse(retryAfter) - Date.now();
    return Number.isFinite(delay) ? Math.max(0, delay) : undefined;
  }
  const reset = /\br=0\b.*\bt=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1];
  return reset === undefined ? undefined : 1000 * Number(reset);
}
