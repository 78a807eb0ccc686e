/** @module Starts the Worker's app with its own engine, and sends requests to it. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, expect } from 'vitest';
import { StackSpace } from '../../engine/runtime/stack-space.ts';
import { createApp } from '../../worker/app.ts';
import { allContracts } from '../../worker/contracts.ts';
import type { Bindings } from '../../worker/http/env.ts';
import { IsolateModel } from '../../worker/isolate/isolate-model.ts';
import { modules } from '../../worker/modules.ts';
import { openApiDocument } from '../../worker/openapi/document.ts';
import { Records } from '../../worker/operate/records.ts';
import { answerChecker } from '../support/checked.ts';

const checked = answerChecker(await openApiDocument(allContracts(new Records())));

export interface TestApp {
  /** Checks each answer against the OpenAPI document. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Resolves when all `waitUntil` work of the requests is done. */
  settled(): Promise<void>;
}

/** Serves one model of the test assets at the root, where the Worker expects it. */
export function assetsOfModel(name: string): Fetcher {
  const fetch: Fetcher['fetch'] = (input) =>
    env.ASSETS.fetch(`http://assets/${name}${new URL(String(input)).pathname}`);
  return { ...env.ASSETS, fetch };
}

export function startApp(bindings: Partial<Bindings> = {}): TestApp {
  const app = createApp(new IsolateModel(modules));
  const allBindings = { ...env, ASSETS: assetsOfModel('default-int8'), ...bindings };
  const contexts: ExecutionContext[] = [];
  return {
    async fetch(path, init = {}) {
      const context = createExecutionContext();
      contexts.push(context);
      return checked(path, init, await app.request(`http://edgebeam${path}`, init, allBindings, context));
    },
    async settled() {
      for (const context of contexts.splice(0)) await waitOnExecutionContext(context);
    },
  };
}

/** Lets the tests of a file or a block have caches smaller than the unused part of onnxruntime's stack. */
export function useSmallCaches(): void {
  const { find } = StackSpace;
  beforeAll(() => {
    StackSpace.find = () => new StackSpace({ begin: 0, end: 0 });
  });
  afterAll(() => {
    StackSpace.find = find;
  });
}

export function post(app: TestApp, body: unknown): Promise<Response> {
  return postTo(app, '/v1/completions', body);
}

export function postTo(app: TestApp, path: string, body: unknown): Promise<Response> {
  return app.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Cancels a stream after its first chunk. Asserts that it was open before and has freed its slots after. */
export async function disconnectMidStream(app: TestApp, response: Response): Promise<void> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  expect(await (await app.fetch('/health')).json()).toMatchObject({ requests: 1 });
  await reader.cancel();
  await app.settled();
  const idle = { requests: 0, slots: { reserved: 0, taken: 0 } };
  expect(await (await app.fetch('/health')).json()).toMatchObject(idle);
}

/** The data of a response's server-sent events. */
export async function events(response: Response): Promise<string[]> {
  const text = await response.text();
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''));
}
