/** @module How a caller over RPC cancels. */
import { ApiError } from '../http/errors.ts';
import { isPlain } from './body.ts';

/**
 * What ends a call early. An `AbortSignal` crosses a binding only where the caller has the experimental flag
 * `enable_abortsignal_rpc`. A byte stream crosses everywhere: the call ends when it closes, when it fails, and, by
 * itself, when the caller is gone.
 */
export type CancelSignal = AbortSignal | ReadableStream<Uint8Array>;

export interface Cancellation {
  readonly signal: AbortSignal;
  /** Lets go of the caller's stream. */
  end(): void;
}

/** @param options what a caller gives as `CallOptions` @throws ApiError 400 for anything else */
export function cancellationOf(options: unknown): Cancellation {
  const cancel = signalIn(options);
  const controller = new AbortController();
  const { signal } = controller;
  if (cancel === undefined) return { signal, end() {} };
  if (cancel instanceof AbortSignal) {
    const abort = () => controller.abort(cancel.reason);
    if (cancel.aborted) abort();
    else cancel.addEventListener('abort', abort);
    return { signal, end: () => cancel.removeEventListener('abort', abort) };
  }
  const reader = cancel.getReader();
  const watch = async () => {
    try {
      // Whatever it carries has no meaning.
      while (!(await reader.read()).done);
    } catch {
      // It failed, or the caller is gone.
    }
    controller.abort(new DOMException('The caller has cancelled the call', 'AbortError'));
  };
  void watch();
  return { signal, end: () => void reader.cancel().catch(() => {}) };
}

function signalIn(options: unknown): CancelSignal | undefined {
  if (options === undefined || options === null) return undefined;
  if (typeof options !== 'object' || !isPlain(options)) throw invalidOption('options', 'an object');
  const { signal, ...others } = options as Readonly<Record<string, unknown>>;
  for (const param of Object.keys(others))
    throw new ApiError(400, `'${param}' is not a supported option`, { param, code: 'unsupported_field' });
  if (signal === undefined || signal === null) return undefined;
  if (signal instanceof AbortSignal || (signal instanceof ReadableStream && !signal.locked)) return signal;
  throw invalidOption('signal', 'an AbortSignal, or a byte stream as `crossing` makes it');
}

function invalidOption(param: string, rule: string): ApiError {
  return new ApiError(400, `'${param}' must be ${rule}`, { param, code: 'invalid_value' });
}
