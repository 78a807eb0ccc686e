/** @module A dev server under load, and what it holds. */
import { expect, vi } from 'vitest';
import { Inspector, type JavaScriptHeap } from '../../bench/memory/inspector.ts';
import type { EngineStatus } from '../../engine/engine.ts';
import { type DevServer, freePort, startDevServer } from '../../worker/dev/child-server.ts';
import { type Answer, ask, type Leave } from './load-client.ts';
import type { LoadRequest } from './load-requests.ts';

const NOTHING = { requests: 0, waitingRequests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };

export class LoadServer implements AsyncDisposable {
  readonly #server: DevServer;
  readonly #inspectorPort: number;
  readonly #printedBefore: number;

  private constructor(server: DevServer, inspectorPort: number) {
    this.#server = server;
    this.#inspectorPort = inspectorPort;
    this.#printedBefore = server.output().length;
  }

  /** With the model in memory. @param args of `npm start` */
  static async start(...args: readonly string[]): Promise<LoadServer> {
    const port = await freePort();
    const server = await startDevServer(...args, '--', '--inspector-port', String(port));
    const ready = await fetch(`${server.url}/health/ready`);
    if (!ready.ok) throw new Error(await ready.text());
    return new LoadServer(server, port);
  }

  /** What it has printed since it started: nothing but what goes wrong inside. */
  get complaints(): string {
    return this.#server.output().slice(this.#printedBefore);
  }

  async ask(request: LoadRequest, leave?: Leave): Promise<Answer> {
    return await ask(this.#server.url, request, leave);
  }

  async health(): Promise<EngineStatus> {
    return (await (await fetch(`${this.#server.url}/health`)).json()) as EngineStatus;
  }

  /** Waits until nobody holds anything, or waits for it. */
  async idle(): Promise<void> {
    const nothingHeld = async () => expect(await this.health()).toMatchObject(NOTHING);
    await vi.waitFor(nothingHeld, { timeout: 20_000 });
  }

  /** Gives up what is kept of prompts. */
  async emptyCache(): Promise<void> {
    const { status } = await fetch(`${this.#server.url}/reset_prefix_cache`, { method: 'POST' });
    expect(status).toBe(200);
  }

  /** What is alive of the isolate's JavaScript. */
  async javaScript(): Promise<JavaScriptHeap> {
    using inspector = await Inspector.connect(this.#inspectorPort);
    return await inspector.liveJavaScript();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
