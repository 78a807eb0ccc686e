/**
 * @module The total memory of an isolate that serves a model: WebAssembly heap and JavaScript, inside
 * workerd.
 */

import type { EngineStatus } from '../../engine/engine.ts';
import type { Plan } from '../../engine/model/plan.ts';
import { startDevServer } from '../../worker/dev/child-server.ts';
import { freePort } from '../../worker/dev/ports.ts';
import { Inspector, type JavaScriptHeap } from './inspector.ts';

/** Cloudflare's limit for an isolate, by the smaller of the two definitions of MB. */
export const ISOLATE_BYTES = 128e6;

export interface MemorySample {
  readonly after: string;
  /** Size of the WebAssembly heap, which never shrinks. */
  readonly wasm: number;
  /** Live objects. */
  readonly javaScript: JavaScriptHeap;
  /** Including garbage that V8 had not collected yet. */
  readonly uncollected: JavaScriptHeap;
}

export interface IsolateMemory {
  readonly plan: Plan;
  readonly samples: readonly MemorySample[];
}

export const totalOf = ({ used, embedder, buffers }: JavaScriptHeap): number => used + embedder + buffers;

const PROMPT = { long: 256, short: 64 };
/** Decoding options of the short requests, in turn. */
const STRATEGIES = [{ temperature: 0 }, { top_k: 40 }, { num_beams: 2 }, { num_beams: 4 }] as const;

/**
 * Starts the Worker with a model, runs a long beam search, twenty sequential requests and four concurrent
 * ones, and samples its memory after each.
 * @throws Error if a request is refused or fails
 */
export async function measureIsolate(model: string): Promise<IsolateMemory> {
  const port = await freePort();
  await using server = await startDevServer('--model', model, '--', '--inspector-port', String(port));
  const post = (request: object) => complete(server.url, request);
  const status = () => healthOf(server.url);

  await post({ prompt: tokens(1), max_tokens: 1 });
  using inspector = await Inspector.connect(port);
  const samples: MemorySample[] = [];
  const takeSample = async (after: string) => {
    const uncollected = await inspector.javaScript();
    const javaScript = await inspector.liveJavaScript();
    samples.push({ after, wasm: (await status()).heap.size, javaScript, uncollected });
  };
  await takeSample('loading, and one token');
  await post({ prompt: tokens(PROMPT.long), num_beams: 4, max_tokens: 64 });
  await takeSample(`a prompt of ${PROMPT.long} tokens, 4 beams, 64 tokens`);
  for (let i = 0; i < 20; i++) {
    const strategy = STRATEGIES[i % STRATEGIES.length];
    await post({ prompt: tokens(PROMPT.short + i), max_tokens: 16, ...strategy });
  }
  await takeSample('20 sequential requests');
  await Promise.all(
    STRATEGIES.map((strategy) => post({ prompt: tokens(PROMPT.short), max_tokens: 16, ...strategy })),
  );
  await takeSample('4 concurrent requests');
  return { plan: (await status()).plan, samples };
}

const tokens = (count: number) => Array.from({ length: count }, (_, i) => (i * 37 + 11) % 1000);

async function complete(url: string, request: object): Promise<void> {
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  await response.json();
}

async function healthOf(url: string): Promise<EngineStatus & { readonly plan: Plan }> {
  const response = await fetch(`${url}/health`);
  return (await response.json()) as EngineStatus & { readonly plan: Plan };
}
