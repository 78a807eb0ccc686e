/** @module workerd's own account of an isolate's JavaScript, by the DevTools protocol. */
import { WebSocket } from 'ws';

/** In bytes. */
export interface JavaScriptHeap {
  /** Objects and code. */
  readonly used: number;
  /** What the runtime holds for them outside the heap. */
  readonly embedder: number;
  /** ArrayBuffers; WebAssembly's memory is not among them. */
  readonly buffers: number;
}

interface HeapUsage {
  readonly usedSize: number;
  readonly embedderHeapUsedSize: number;
  readonly backingStorageSize: number;
}

export class Inspector implements Disposable {
  readonly #socket: WebSocket;
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** @param port `wrangler dev --inspector-port` */
  static async connect(port: number): Promise<Inspector> {
    const response = await fetch(`http://127.0.0.1:${port}/json`);
    const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
    if (!target) throw new Error('the inspector has no isolate');
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return new Inspector(socket);
  }

  /** As it is, with what nobody needs any more and V8 has not collected yet. */
  async javaScript(): Promise<JavaScriptHeap> {
    const usage = (await this.#call('Runtime.getHeapUsage')) as HeapUsage;
    return {
      used: usage.usedSize,
      embedder: usage.embedderHeapUsedSize,
      buffers: usage.backingStorageSize,
    };
  }

  /** What is alive: a snapshot, which nobody reads, collects all garbage first. (`collectGarbage` never answers.) */
  async livingJavaScript(): Promise<JavaScriptHeap> {
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
        this.#socket.off('message', hear).off('close', closed);
        settle();
      };
      const hear = (data: Buffer) => {
        const message = JSON.parse(String(data));
        if (message.id !== id) return;
        if (message.error) stop(() => reject(new Error(`${method}: ${message.error.message}`)));
        else stop(() => resolve(message.result));
      };
      const closed = () => stop(() => reject(new Error(`${method}: the inspector has gone`)));
      this.#socket.on('message', hear).on('close', closed);
      this.#socket.send(JSON.stringify({ id, method }));
    });
  }
}
