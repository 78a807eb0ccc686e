/**
 * @module Requests to the hub, and the `fetch` implementation for the client, `@huggingface/hub`.
 *
 * The `fetch` adds retries, which the client lacks, and the token: the client accepts only tokens that begin
 * with `hf_`, but a mirror behind HF_ENDPOINT may use others.
 */
import { TransientError, UnreachableError } from './errors.ts';
import { type RetryPolicy, withRetries } from './retry.ts';
import type { HubSettings } from './settings.ts';
import { type RequestTarget, statusError } from './status-error.ts';

export interface HubAccess extends Omit<HubSettings, 'offline'> {
  readonly retryPolicy: RetryPolicy;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((text: string) => void) | undefined;
}

/**
 * Sends one request. The token is sent to the hub's origin only: `fetch` removes the header on a redirect to
 * another origin (Fetch standard, "HTTP-redirect fetch").
 *
 * @param target for errors.
 * @returns a response with a 2xx status.
 * @throws TransientError or HubError.
 */
export async function request(
  access: HubAccess,
  target: RequestTarget,
  url: string,
  { headers: initHeaders, signal, ...init }: RequestInit = {},
): Promise<Response> {
  const { endpoint, token } = access;
  const headers = new Headers(initHeaders);
  headers.set('user-agent', 'edgebeam');
  if (token !== undefined && new URL(url).origin === new URL(endpoint).origin) {
    headers.set('authorization', `Bearer ${token}`);
  }
  const signals = [access.signal, signal].filter((candidate) => candidate instanceof AbortSignal);
  try {
    const response = await fetch(url, { ...init, headers, signal: AbortSignal.any(signals) });
    if (response.ok) return response;
    await response.body?.cancel();
    throw statusError(response, access, target);
  } catch (error) {
    throw networkError(error, access, url);
  }
}

/** @returns a `fetch` for the client that retries, and resolves once the whole body has arrived. */
export const apiFetch =
  (access: HubAccess, target: RequestTarget): typeof fetch =>
  async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const attempt = async () => {
      const timeout = AbortSignal.timeout(access.retryPolicy.idleTimeout);
      const response = await request(access, target, url, { ...init, signal: timeout });
      const body = await response.arrayBuffer().catch((error) => {
        throw networkError(error, access, url);
      });
      return new Response(body, response);
    };
    return withRetries(() => attempt().catch(throwUnreachable), { ...access, ...access.retryPolicy });
  };

/** Codes of transient network failures. After any other, retries do not help: the hub is unreachable. */
const TRANSIENT_CODES = /^(ECONNRESET|EPIPE|ETIMEDOUT|UND_ERR_.*|TIMEOUT)$/;

function throwUnreachable(error: unknown): never {
  if (!(error instanceof TransientError) || TRANSIENT_CODES.test(error.networkCode ?? 'TIMEOUT')) throw error;
  throw new UnreachableError(
    `${error.message}: check the connection and HF_ENDPOINT; ` +
      'behind a proxy, set NODE_USE_ENV_PROXY=1 and HTTPS_PROXY',
  );
}

/**
 * Converts a network failure of `fetch`, a TypeError with the code in its cause, into a TransientError.
 *
 * @returns other errors unchanged; the reason of the user's signal if that was aborted.
 */
export function networkError(error: unknown, { signal }: HubAccess, url: string): unknown {
  if (signal?.aborted) return signal.reason;
  const { host } = new URL(url);
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new TransientError(`${host} does not respond`, { networkCode: 'TIMEOUT' });
  }
  if (!(error instanceof TypeError) || !(error.cause instanceof Error)) return error;
  const { code = error.cause.message } = error.cause as NodeJS.ErrnoException;
  return TRANSIENT_CODES.test(code)
    ? new TransientError(`the connection to ${host} broke (${code})`, { networkCode: code })
    : new TransientError(`${host} cannot be reached (${code})`, { networkCode: code });
}
