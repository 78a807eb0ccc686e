/** @module `POST /v1/completions`, OpenAI's contract. */
import { type Context, Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { type AppEnv, engineOf } from '../bindings.ts';
import { type CompletionEvent, startCompletion } from '../completion.ts';
import { invalidRequest, toApiError } from '../errors.ts';
import { jsonBody } from '../json-body.ts';
import { completionSchema } from '../schemas/completion.ts';

export const completions = new Hono<AppEnv>().post('/', async (c) => {
  const parsed = completionSchema.safeParse(await jsonBody(c), { reportInput: true });
  if (!parsed.success) throw invalidRequest(parsed.error);
  const engine = await engineOf(c);
  const gone = c.req.raw.signal;
  const starting = startCompletion(engine, parsed.data, gone);
  // When the client goes away the platform drops this request's continuations; what is under waitUntil goes on to
  // its `finally`.
  c.executionCtx.waitUntil(starting.catch(() => {}));
  const events = await starting;
  const head = {
    id: `cmpl-${crypto.randomUUID()}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: engine.manifest.name,
  } as const;
  return parsed.data.stream ? streamed(c, head, events) : whole(c, head, events);
});

type Head = {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
};
type Events = AsyncGenerator<CompletionEvent, void, undefined>;

async function whole(c: Context<AppEnv>, head: Head, events: Events): Promise<Response> {
  const work = collect(events);
  c.executionCtx.waitUntil(work.catch(() => {}));
  const { text, last } = await work;
  return c.json({ ...head, choices: [choice(text, last.finish_reason)], usage: last.usage });
}

type Finished = Extract<CompletionEvent, { type: 'finished' }>;

async function collect(events: Events): Promise<{ text: string; last: Finished }> {
  let text = '';
  for await (const event of events) {
    text += event.text;
    if (event.type === 'finished') return { text, last: event };
  }
  throw new Error('a completion ended without its last event');
}

function streamed(c: Context<AppEnv>, head: Head, events: Events): Response {
  // Some proxies hold back what they could compress.
  c.header('Content-Encoding', 'identity');
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  c.executionCtx.waitUntil(sent);
  return streamSSE(c, async (stream) => {
    const send = (data: object) => stream.writeSSE({ data: JSON.stringify(data) });
    try {
      for await (const event of events) {
        if (stream.aborted) return;
        const finish_reason = event.type === 'finished' ? event.finish_reason : null;
        await send({ ...head, choices: [choice(event.text, finish_reason)] });
      }
      await stream.writeSSE({ data: '[DONE]' });
    } catch (error) {
      await send(toApiError(error).body);
    } finally {
      resolve();
    }
  });
}

function choice(text: string, finish_reason: 'stop' | 'length' | null) {
  return { text, index: 0, logprobs: null, finish_reason };
}
