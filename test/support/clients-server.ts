/** @module Runs once before the tests of clients: the dev server that they all ask. */
import type { TestProject } from 'vitest/node';
import { startDevServer } from '../../worker/dev/child-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly server: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // What does not fit is refused at once: clients are to try again.
  const server = await startDevServer('--', '--var', 'QUEUE_LENGTH:0');
  // Loads the model: what is held of it can be told from here on.
  const response = await fetch(`${server.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: '', max_tokens: 1 }),
  });
  if (!response.ok) throw new Error(await response.text());
  project.provide('server', server.url);
  return async () => await server[Symbol.asyncDispose]();
}
