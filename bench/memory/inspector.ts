/** @module The JavaScript memory of an isolate, as workerd reports it over the DevTools protocol. */
import { WebSocket } from 'ws';

/** Sizes in bytes. */
export interface JavaScriptHeap {
  /** Objects and code. */
  readonly used: number;
  /** The runtime's memory for them outside the heap. */
  readonly embedder: number;
  /** ArrayBuffers, without WebAssembly memory. */
  readonly buffers: number;
}

interface HeapUsage {
  readonly usedSize: number;
  readonly embedderHeapUsedSize: number;
  readonly backingStorageSize: number;
}

/** Longer than a heap snapshot takes on a busy machine. */
const TIMEOUT_MILLISECONDS = 60_000;

/**
 * A connection to wrangler's inspector. Connect before the load, and stay connected: while nobody is connected,
 * wrangler keeps each line that the Worker logs, and sends all of them at once to the next client. With 12,000
 * lines, its proxy does not answer any more, and the Worker's requests pass through it too.
 */
export class Inspector implements Disposable {
  readonly #socket: WebSocket;
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** @param port the value of `wrangler dev --inspector-port` */
  static async connect(port: number): Promise<Inspector> {
    const signal = AbortSignal.timeout(TIMEOUT_MILLISECONDS);
    const response = await fetch(`http://127.0.0.1:${port}/json`, { signal });
    const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
    if (!target) throw new Error('the inspector lists no isolate');
    const socket = new WebSocket(target.webSocketDebuggerUrl, { handshakeTimeout: TIMEOUT_MILLISECONDS });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    // A broken connection closes too, which ends the calls.
    socket.on('error', () => {});
    return new Inspector(socket);
  }

  /** Current usage, including garbage that V8 has not collected yet. */
  async javaScript(): Promise<JavaScriptHeap> {
    const usage = (await this.#call('Runtime.getHeapUsage')) as HeapUsage;
    return {
      used: usage.usedSize,
      embedder: usage.embedderHeapUsedSize,
      buffers: usage.backingStorageSize,
    };
  }

  /**
   * Live objects only: taking a heap snapshot collects all garbage first. (`collectGarbage` never answers.)
   */
  async liveJavaScript(): Promise<JavaScriptHeap> {
    await this.#call('HeapProfiler.enable');
    await this.#call('HeapProfiler.takeHeapSnapshot');
    return this.javaScript();
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #call(method: string): Promise<unknown> {
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      const stop = (settle: () => void) => {
        clearTimeout(timer);
        this.#socket.off('message', onMessage).off('close', onClose);
        settle();
      };
      const onMessage = (data: Buffer) => {
        const message = JSON.parse(String(data));
        if (message.id !== id) return;
        if (message.error) stop(() => reject(new Error(`${method}: ${message.error.message}`)));
        else stop(() => resolve(message.result));
      };
      const onClose = () => stop(() => reject(new Error(`${method}: the inspector disconnected`)));
      const onTimeout = () =>
        stop(() => reject(new Error(`${method}: no answer within ${TIMEOUT_MILLISECONDS / 1000} s`)));
      const timer = setTimeout(onTimeout, TIMEOUT_MILLISECONDS);
      this.#socket.on('message', onMessage).on('close', onClose);
      this.#socket.send(JSON.stringify({ id, method }), (error) => {
        if (error) stop(() => reject(new Error(`${method}: ${error.message}`)));
      });
    });
  }
}
