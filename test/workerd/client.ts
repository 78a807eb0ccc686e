/** @module An isolate's app with an engine of its own, and small ways to ask it. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import { createApp } from '../../worker/app.ts';
import { allContracts } from '../../worker/contracts.ts';
import type { Bindings } from '../../worker/http/env.ts';
import { IsolateModel } from '../../worker/isolate/isolate-model.ts';
import { modules } from '../../worker/modules.ts';
import { openApiDocument } from '../../worker/openapi/document.ts';
import { Records } from '../../worker/operate/records.ts';
import { answerChecker } from '../support/checked.ts';

const checked = answerChecker(openApiDocument(allContracts(new Records())));

export interface TestApp {
  /** Its answers are held to the OpenAPI document. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** When everything that the requests left to `waitUntil` is done. */
  settled(): Promise<void>;
}

/** The tests' assets hold several models in folders; the Worker expects one, at the root. */
function oneModel(name: string): Fetcher {
  const fetch: Fetcher['fetch'] = (input) =>
    env.ASSETS.fetch(`http://assets/${name}${new URL(String(input)).pathname}`);
  return { ...env.ASSETS, fetch };
}

export function startApp(bindings: Partial<Bindings> = {}): TestApp {
  const app = createApp(new IsolateModel(modules));
  const all = { ...env, ASSETS: oneModel('default-int8'), ...bindings };
  const contexts: ExecutionContext[] = [];
  return {
    async fetch(path, init = {}) {
      const context = createExecutionContext();
      contexts.push(context);
      return checked(path, init, await app.request(`http://edgebeam${path}`, init, all, context));
    },
    async settled() {
      for (const context of contexts.splice(0)) await waitOnExecutionContext(context);
    },
  };
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

/** Reads a stream's beginning, sees that it holds a part of the server, leaves, and sees that nothing is held. */
export async function leaveInTheMiddle(app: TestApp, response: Response): Promise<void> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  expect(await (await app.fetch('/health')).json()).toMatchObject({ requests: 1 });
  await reader.cancel();
  await app.settled();
  const nothing = { requests: 0, slots: { reserved: 0, taken: 0 } };
  expect(await (await app.fetch('/health')).json()).toMatchObject(nothing);
}

/** The data of a response's server-sent events. */
export async function events(response: Response): Promise<string[]> {
  const text = await response.text();
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''));
}
