/**
 * @module The total memory of an isolate that serves a model: WebAssembly heap and JavaScript, inside
 * workerd.
 */

import { setTimeout } from 'node:timers/promises';
import type { EngineStatus } from '../../engine/engine.ts';
import type { Plan } from '../../engine/model/plan.ts';
import { startDevServer } from '../../worker/dev/child-server.ts';
import { freePort } from '../../worker/dev/ports.ts';
import { SCHEMAS } from '../constraints/schemas.ts';
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
  /** Taken while requests ran; their live objects are not told from garbage then. */
  readonly isPeak: boolean;
  /** Whether the request had a constraint. */
  readonly constrained?: boolean;
}

export interface IsolateMemory {
  readonly plan: Plan;
  /** Names of the adapters in memory at the end. */
  readonly adapters: readonly string[];
  readonly samples: readonly MemorySample[];
}

export const totalOf = ({ used, embedder, buffers }: JavaScriptHeap): number => used + embedder + buffers;

const PROMPT = { long: 256, short: 64 };
/** Decoding options of the short requests, in turn. */
const STRATEGIES = [{ temperature: 0 }, { top_k: 40 }, { num_beams: 2 }, { num_beams: 4 }] as const;

/** The requests whose answers or bodies hold most, each as large as the model's plan accepts. */
const WORST: Readonly<Record<string, object>> = {
  'echo and log-probabilities of 512 copies': {
    prompt: Array.from({ length: 4 }, (_, i) => tokens(120 + i)),
    ...{ n: 128, max_tokens: 1, temperature: 0, echo: true, logprobs: 5 },
  },
  'samples with log-probabilities': { prompt: tokens(32), n: 10, max_tokens: 40, logprobs: 5, top_p: 0.9 },
  'beams with log-probabilities': { prompt: tokens(32), num_beams: 5, n: 5, max_tokens: 60, logprobs: 5 },
  'a batch of 128 prompts': {
    prompt: Array.from({ length: 128 }, (_, i) => tokens(30 + (i % 5))),
    ...{ max_tokens: 2, logprobs: 5, temperature: 0 },
  },
};
/** Names, numbers and lists in lists: every list of keys has states of its own. */
const LARGE_SCHEMA = {
  type: 'object',
  properties: Object.fromEntries(
    Array.from({ length: 48 }, (_, i) => [
      `field_${i}`,
      [
        { type: 'string', maxLength: 100 + i },
        { type: 'number', minimum: i, maximum: 1000 * i + 1 },
        { type: 'array', items: { enum: [`red${i}`, `green${i}`, i] }, maxItems: 3 },
        { type: 'string', format: 'date-time' },
      ][i % 4],
    ]),
  ),
  minProperties: 1,
};
const constrained = (schema: object) => ({ response_format: { type: 'json_object', schema } });

/** Those of constraints, each as large as the model's plan accepts. */
const CONSTRAINED: Readonly<Record<string, object>> = {
  'a large schema in beams with log-probabilities': {
    prompt: tokens(32),
    ...{ num_beams: 5, n: 5, max_tokens: 60, logprobs: 5 },
    ...constrained(LARGE_SCHEMA),
  },
  ...Object.fromEntries(
    SCHEMAS.map((schema, i) => [
      `schema ${i + 1} of ${SCHEMAS.length}`,
      { prompt: tokens(32), max_tokens: 90, num_beams: 4, seed: i, ...constrained(schema) },
    ]),
  ),
};
/** Requests that are refused, of the greatest size. */
const REFUSED: Readonly<Record<string, object>> = {
  'ids of 1 MB': { prompt: Array.from({ length: 520_000 }, () => 1) },
  'objects of 1 MB': { prompt: Array.from({ length: 340_000 }, () => ({})) },
  'a word of 1 MB': { prompt: 'a'.repeat(1_040_000) },
  'more texts than fit': { prompt: tokens(200), n: 128, max_tokens: 4, logprobs: 5 },
};

/** Of requests that wait too long for others, on a slow machine. */
const BUSY = 503;

/** Adapters that requests use. */
const MAX_ADAPTERS = 2;

/** Time between samples while requests run. */
const SAMPLE_MILLISECONDS = 20;

/**
 * Starts the Worker with a model, whose first adapters requests use in turn if it has any, runs a long beam search, twenty
 * sequential requests and four concurrent ones, then the worst requests, each alone and all at the same time. Samples the
 * memory after each step, and during those at the same time.
 * @param isBounded leaves out the peaks that have no bound: beside refused bodies, and with constraints
 * @throws Error if a request fails, is refused although it fits, or is not refused
 */
export async function measureIsolate(model: string, isBounded = false): Promise<IsolateMemory> {
  const port = await freePort();
  await using server = await startDevServer('--model', model, '--', '--inspector-port', String(port));
  const models = await modelsOf(server.url);
  let requests = 0;
  const withModel = (request: object) => ({ ...request, model: models[requests++ % models.length] });
  // Adapters leave less for the requests, of which the worst may not fit then.
  const refusedBeside = models.length > 1 ? [400] : [];
  const post = (request: object) => complete(server.url, withModel(request), refusedBeside);
  const status = () => healthOf(server.url);

  await post({ prompt: tokens(1), max_tokens: 1 });
  using inspector = await Inspector.connect(port);
  const samples: MemorySample[] = [];
  const takeSample = async (after: string, constrained = false) => {
    const uncollected = await inspector.javaScript();
    const javaScript = await inspector.liveJavaScript();
    const { size: wasm } = (await status()).heap;
    samples.push({ after, wasm, javaScript, uncollected, isPeak: false, constrained });
  };
  await takeSample('loading, and one token');
  const { maximum } = (await status()).slots;
  const length = Math.min(64, 1 + Math.floor((maximum - PROMPT.long) / 4));
  await post({ prompt: tokens(PROMPT.long), num_beams: 4, max_tokens: length });
  await takeSample(`a prompt of ${PROMPT.long} tokens, 4 beams, ${length} tokens`);
  for (let i = 0; i < 20; i++) {
    const strategy = STRATEGIES[i % STRATEGIES.length];
    await post({ prompt: tokens(PROMPT.short + i), max_tokens: 16, ...strategy });
  }
  await takeSample('20 sequential requests');
  await Promise.all(
    STRATEGIES.map((strategy) => post({ prompt: tokens(PROMPT.short), max_tokens: 16, ...strategy })),
  );
  await takeSample('4 concurrent requests');
  for (const [name, request] of Object.entries(WORST)) {
    await post(request);
    await takeSample(name);
  }
  for (const [name, request] of Object.entries(REFUSED)) {
    await expectRefusal(server.url, request);
    await takeSample(`a refusal of ${name}`);
  }
  const accepted = (bodies: object) =>
    Object.values(bodies).map(
      (request) => () => complete(server.url, withModel(request), [BUSY, ...refusedBeside]),
    );
  const refused = Object.values(REFUSED).map((request) => () => expectRefusal(server.url, request));
  // The heap never shrinks: asking for its size during the work would only add to the work.
  const wasm = (await status()).heap.size;
  const takePeak = async (after: string, requests: readonly (() => Promise<void>)[]) => {
    const sample = async () => {
      const javaScript = await inspector.javaScript();
      return { after, wasm, javaScript, uncollected: javaScript, isPeak: true };
    };
    samples.push(await peakDuring(() => Promise.all(requests.map((send) => send())), sample));
  };
  await takePeak('the accepted ones at the same time, at their peak', accepted(WORST));
  if (!isBounded)
    await takePeak('all of these at the same time, at their peak', [...accepted(WORST), ...refused]);
  for (const [name, request] of Object.entries(CONSTRAINED)) {
    await post(request);
    await takeSample(name, true);
  }
  if (!isBounded)
    await takePeak(
      'all accepted ones at the same time, at their peak',
      accepted({ ...WORST, ...CONSTRAINED }),
    );
  const { plan, adapters } = await status();
  return { plan, adapters: adapters.loaded.map(({ name }) => name), samples };
}

/** The largest of the samples that are taken while `work` runs. */
async function peakDuring(
  work: () => Promise<unknown>,
  sample: () => Promise<MemorySample>,
): Promise<MemorySample> {
  let isDone = false;
  const done = work().finally(() => {
    isDone = true;
  });
  const total = ({ wasm, uncollected }: MemorySample) => wasm + totalOf(uncollected);
  let peak = await sample();
  while (!isDone) {
    await setTimeout(SAMPLE_MILLISECONDS);
    const next = await sample();
    if (total(next) > total(peak)) peak = next;
  }
  await done;
  return peak;
}

async function expectRefusal(url: string, request: object): Promise<void> {
  const response = await send(url, request);
  const body = await response.text();
  // 408 and 503: together the bodies are more than an isolate accepts at a time.
  if (![400, 408, 413, 503].includes(response.status)) {
    throw new Error(`${response.status}: ${body.slice(0, 200)}`);
  }
}

function tokens(count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * 37 + 11) % 1000);
}

function send(url: string, request: object): Promise<Response> {
  return fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
}

/** @param tolerated other statuses than success that are no errors */
async function complete(url: string, request: object, tolerated: readonly number[] = []): Promise<void> {
  const response = await send(url, request);
  if (!response.ok && !tolerated.includes(response.status))
    throw new Error(`${response.status}: ${await response.text()}`);
  // The answer has up to 15 MB: the client reads it without keeping it.
  await response.body?.pipeTo(new WritableStream());
}

/** Names of the model and of its first adapters. */
async function modelsOf(url: string): Promise<string[]> {
  const response = await fetch(`${url}/v1/models`);
  const { data } = (await response.json()) as { data: { id: string }[] };
  return data.slice(0, 1 + MAX_ADAPTERS).map(({ id }) => id);
}

async function healthOf(url: string): Promise<EngineStatus & { readonly plan: Plan }> {
  const response = await fetch(`${url}/health`);
  return (await response.json()) as EngineStatus & { readonly plan: Plan };
}
