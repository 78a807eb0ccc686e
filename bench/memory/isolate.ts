/** @module All of an isolate's memory while it serves a model: onnxruntime's heap and JavaScript's, inside workerd. */

import type { EngineStatus } from '../../engine/engine.ts';
import type { Plan } from '../../engine/model/plan.ts';
import { freePort, startDevServer } from '../../worker/dev/child-server.ts';
import { Inspector, type JavaScriptHeap } from './inspector.ts';

/** What Cloudflare gives an isolate, in the smaller of the two meanings of MB. */
export const ISOLATE_BYTES = 128e6;

export interface Moment {
  readonly after: string;
  /** Of the WebAssembly heap, which never shrinks. */
  readonly wasm: number;
  /** What is alive. */
  readonly javaScript: JavaScriptHeap;
  /** With what V8 had not collected yet. */
  readonly uncollected: JavaScriptHeap;
}

export interface IsolateMemory {
  readonly plan: Plan;
  readonly moments: readonly Moment[];
}

export const totalOf = ({ used, embedder, buffers }: JavaScriptHeap): number => used + embedder + buffers;

const PROMPT = { long: 256, short: 64 };
/** One after the other, in turn. */
const KINDS = [{ temperature: 0 }, { top_k: 40 }, { num_beams: 2 }, { num_beams: 4 }] as const;

/**
 * Starts the Worker with a model, works it through a long beam search, twenty requests one after the other and four at
 * once, and looks after each.
 * @throws Error when a request is refused or fails
 */
export async function measureIsolate(model: string): Promise<IsolateMemory> {
  const port = await freePort();
  await using server = await startDevServer('--model', model, '--', '--inspector-port', String(port));
  const post = (request: object) => complete(server.url, request);
  const status = () => healthOf(server.url);

  await post({ prompt: tokens(1), max_tokens: 1 });
  using inspector = await Inspector.connect(port);
  const moments: Moment[] = [];
  const look = async (after: string) => {
    const uncollected = await inspector.javaScript();
    const javaScript = await inspector.livingJavaScript();
    moments.push({ after, wasm: (await status()).heap.size, javaScript, uncollected });
  };
  await look('loading, and one token');
  await post({ prompt: tokens(PROMPT.long), num_beams: 4, max_tokens: 64 });
  await look(`a prompt of ${PROMPT.long} tokens, 4 beams, 64 tokens`);
  for (let i = 0; i < 20; i++) {
    const kind = KINDS[i % KINDS.length];
    await post({ prompt: tokens(PROMPT.short + i), max_tokens: 16, ...kind });
  }
  await look('20 requests one after the other');
  await Promise.all(KINDS.map((kind) => post({ prompt: tokens(PROMPT.short), max_tokens: 16, ...kind })));
  await look('4 requests at once');
  return { plan: (await status()).plan, moments };
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
