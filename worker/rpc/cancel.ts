/** @module How a caller over RPC cancels. */

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

export function cancellationOf(cancel: CancelSignal | undefined): Cancellation {
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
