/** @module A dev server under load, and its memory. */
import { expect, vi } from 'vitest';
import { Inspector, type JavaScriptHeap } from '../../bench/memory/inspector.ts';
import type { EngineStatus } from '../../engine/engine.ts';
import { type DevServer, startDevServer } from '../../worker/dev/child-server.ts';
import { freePort } from '../../worker/dev/ports.ts';
import { type Answer, type Disconnect, sendRequest } from './load-client.ts';
import type { LoadRequest } from './load-requests.ts';

const IDLE = { requests: 0, waitingRequests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };

export class LoadServer implements AsyncDisposable {
  readonly #server: DevServer;
  readonly #inspectorPort: number;
  readonly #startupOutputLength: number;

  private constructor(server: DevServer, inspectorPort: number) {
    this.#server = server;
    this.#inspectorPort = inspectorPort;
    this.#startupOutputLength = server.output().length;
  }

  /** Starts a server and loads its model. @param args arguments of `npm start` */
  static async start(...args: readonly string[]): Promise<LoadServer> {
    const port = await freePort();
    const server = await startDevServer(...args, '--', '--inspector-port', String(port));
    const ready = await fetch(`${server.url}/health/ready`);
    if (!ready.ok) throw new Error(await ready.text());
    return new LoadServer(server, port);
  }

  /** Output since the model was loaded, without the log line of each request: only internal errors. */
  get errorOutput(): string {
    const lines = this.#server.output().slice(this.#startupOutputLength).split('\n');
    return lines.filter((line) => !line.startsWith('{"time":')).join('\n');
  }

  async send(request: LoadRequest, disconnect?: Disconnect): Promise<Answer> {
    return await sendRequest(this.#server.url, request, disconnect);
  }

  async health(): Promise<EngineStatus> {
    return (await (await fetch(`${this.#server.url}/health`)).json()) as EngineStatus;
  }

  /** Waits until no request runs or waits, and no slot is in use. */
  async waitUntilIdle(): Promise<void> {
    const isIdle = async () => expect(await this.health()).toMatchObject(IDLE);
    await vi.waitFor(isIdle, { timeout: 20_000 });
  }

  async resetPrefixCache(): Promise<void> {
    const { status } = await fetch(`${this.#server.url}/reset_prefix_cache`, { method: 'POST' });
    expect(status).toBe(200);
  }

  /** Sizes of the isolate's live JavaScript objects. */
  async javaScriptHeap(): Promise<JavaScriptHeap> {
    using inspector = await Inspector.connect(this.#inspectorPort);
    return await inspector.liveJavaScript();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
