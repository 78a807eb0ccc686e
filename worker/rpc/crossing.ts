/** @module Makes a signal cross a binding, in the Worker that calls. */

/**
 * A signal in the form that crosses every binding: `generate(request, { signal: crossing(request.signal) })`. The call
 * also ends when the calling Worker itself is gone.
 */
export function crossing(signal: AbortSignal): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream();
  // Nobody reads what is written, and the other side may have ended already.
  const abort = () => void writable.abort(signal.reason).catch(() => {});
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return readable;
}
