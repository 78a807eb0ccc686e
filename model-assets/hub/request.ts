/**
 * @module One request to the hub or to where it redirects, and the calls of its API.
 *
 * This is the `fetch` that the client, `@huggingface/hub`, is given. It has retries, which the client has not, and it
 * adds the token itself: the client takes tokens that begin with `hf_` only, which those of a mirror behind
 * HF_ENDPOINT need not.
 */
import { TransientError, UnreachableError } from './errors.ts';
import { type Patience, withRetries } from './retry.ts';
import type { HubSettings } from './settings.ts';
import { statusError, type Wanted } from './status-error.ts';

export interface HubAccess extends Omit<HubSettings, 'offline'> {
  readonly patience: Patience;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((text: string) => void) | undefined;
}

/**
 * Sends one request. The token goes to the hub's origin only: `fetch` takes the header off where a redirect leads to
 * another origin (Fetch standard, "HTTP-redirect fetch"), and an address that is elsewhere to begin with never has it.
 *
 * @param wanted what is asked for, as it will be called in an error.
 * @returns an answer in the 200s.
 * @throws TransientError or HubError.
 */
export async function request(
  access: HubAccess,
  wanted: Wanted,
  url: string,
  { headers: more, signal, ...init }: RequestInit = {},
): Promise<Response> {
  const { endpoint, token } = access;
  const headers = new Headers(more);
  headers.set('user-agent', 'edgebeam');
  if (token !== undefined && new URL(url).origin === new URL(endpoint).origin) {
    headers.set('authorization', `Bearer ${token}`);
  }
  const signals = [access.signal, signal].filter((one) => one instanceof AbortSignal);
  try {
    const response = await fetch(url, { ...init, headers, signal: AbortSignal.any(signals) });
    if (response.ok) return response;
    await response.body?.cancel();
    throw statusError(response, access, wanted);
  } catch (error) {
    throw networkError(error, access, url);
  }
}

/** @returns a `fetch` for the client's calls, which answers with the whole body or throws. */
export const apiFetch =
  (access: HubAccess, wanted: Wanted): typeof fetch =>
  async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const attempt = async () => {
      const timeout = AbortSignal.timeout(access.patience.stall);
      const response = await request(access, wanted, url, { ...init, signal: timeout });
      const body = await response.arrayBuffer().catch((error) => {
        throw networkError(error, access, url);
      });
      return new Response(body, response);
    };
    return withRetries(() => attempt().catch(rethrowIfHopeless), { ...access, ...access.patience });
  };

/** Faults that come and go. With any other there is no way to the hub, and waiting does not make one. */
const PASSING = /^(ECONNRESET|EPIPE|ETIMEDOUT|UND_ERR_.*|TIMEOUT)$/;

function rethrowIfHopeless(error: unknown): never {
  if (!(error instanceof TransientError) || PASSING.test(error.networkCode ?? 'TIMEOUT')) throw error;
  throw new UnreachableError(
    `${error.message}: check the connection, HF_ENDPOINT, and behind a proxy set NODE_USE_ENV_PROXY=1 and HTTPS_PROXY`,
  );
}

/**
 * Tells a failure of the network by its code; `fetch` hides that in the cause of a TypeError.
 *
 * @returns other errors as they are, and the reason of the user's own signal when that is why.
 */
export function networkError(error: unknown, { signal }: HubAccess, url: string): unknown {
  if (signal?.aborted) return signal.reason;
  const { host } = new URL(url);
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new TransientError(`${host} does not answer`, { networkCode: 'TIMEOUT' });
  }
  if (!(error instanceof TypeError) || !(error.cause instanceof Error)) return error;
  const { code = error.cause.message } = error.cause as NodeJS.ErrnoException;
  return PASSING.test(code)
    ? new TransientError(`the connection to ${host} broke (${code})`, { networkCode: code })
    : new TransientError(`${host} cannot be reached (${code})`, { networkCode: code });
}
