/** @module Global setup of the client tests: starts the dev server that they share. */
import type { TestProject } from 'vitest/node';
import { startDevServer } from '../../worker/dev/child-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly server: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // No queue: a request that does not fit gets a 503 immediately, so that clients retry.
  const server = await startDevServer('--', '--var', 'QUEUE_LENGTH:0');
  // Loads the model, so that /health reports its slots.
  const response = await fetch(`${server.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: '', max_tokens: 1 }),
  });
  if (!response.ok) throw new Error(await response.text());
  project.provide('server', server.url);
  return async () => await server[Symbol.asyncDispose]();
}
