/**
 * @module Global setup of the client tests: starts the dev servers that they share, one with the embedded model and one
 * with the same model and a chat template.
 */
import type { TestProject } from 'vitest/node';
import { DEFAULT_CHECKPOINT, ensureModel } from '../../model-assets/ensure.ts';
import { type DevServer, startDevServer } from '../../worker/dev/child-server.ts';
import { CHATML } from './chats.ts';
import { CHAT_INT8 } from './models.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly server: string;
    readonly chatServer: string;
  }
}

// No queue: a request that does not fit gets a 503 immediately, so that clients retry.
const WRANGLER = ['--', '--var', 'QUEUE_LENGTH:0'];

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const chats = { name: 'default', chatTemplate: CHATML };
  await ensureModel({ source: DEFAULT_CHECKPOINT, out: CHAT_INT8, precision: 'int8', ...chats });
  const server = await startDevServer(...WRANGLER);
  const chatServer = await startDevServer('--model', CHAT_INT8, ...WRANGLER);
  const servers = [server, chatServer];
  await Promise.all(servers.map(load));
  project.provide('server', server.url);
  project.provide('chatServer', chatServer.url);
  return async () => {
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  };
}

/** Loads the model, so that /health reports its slots. */
async function load({ url }: DevServer): Promise<void> {
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: '', max_tokens: 1 }),
  });
  if (!response.ok) throw new Error(await response.text());
}
