/** @module `POST /v1/completions`, OpenAI's contract. */
import { type Context, Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { type AppEnv, engineOf } from '../bindings.ts';
import { type Completion, type CompletionEvent, openCompletion } from '../completion.ts';
import { invalidRequest, toApiError } from '../errors.ts';
import { jsonBody } from '../json-body.ts';
import { completionSchema } from '../schemas/completion.ts';

export const completions = new Hono<AppEnv>().post('/', async (c) => {
  const parsed = completionSchema.safeParse(await jsonBody(c), { reportInput: true });
  if (!parsed.success) throw invalidRequest(parsed.error);
  const engine = await engineOf(c);
  const completion = openCompletion(engine, parsed.data);
  const head = {
    id: `cmpl-${crypto.randomUUID()}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: engine.manifest.name,
  } as const;
  return parsed.data.stream ? streamed(c, head, completion) : whole(c, head, completion);
});

type Head = {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
};

async function whole(c: Context<AppEnv>, head: Head, completion: Completion): Promise<Response> {
  const work = collect(completion, c.req.raw.signal);
  // When the client goes away the platform drops this request's continuations; what is under waitUntil goes on
  // to its `finally`.
  c.executionCtx.waitUntil(work.catch(() => {}));
  const { text, last } = await work;
  return c.json({ ...head, choices: [choice(text, last.finish_reason)], usage: last.usage });
}

type Finished = Extract<CompletionEvent, { type: 'finished' }>;

async function collect(
  completion: Completion,
  signal: AbortSignal,
): Promise<{ text: string; last: Finished }> {
  try {
    let text = '';
    for await (const event of completion.events) {
      signal.throwIfAborted();
      text += event.text;
      if (event.type === 'finished') return { text, last: event };
    }
    throw new Error('a completion ended without its last event');
  } finally {
    completion.close();
  }
}

function streamed(c: Context<AppEnv>, head: Head, completion: Completion): Response {
  // Some proxies hold back what they could compress.
  c.header('Content-Encoding', 'identity');
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  c.executionCtx.waitUntil(sent);
  return streamSSE(c, async (stream) => {
    const send = (data: object) => stream.writeSSE({ data: JSON.stringify(data) });
    try {
      for await (const event of completion.events) {
        if (stream.aborted) return;
        const finish_reason = event.type === 'finished' ? event.finish_reason : null;
        await send({ ...head, choices: [choice(event.text, finish_reason)] });
      }
      await stream.writeSSE({ data: '[DONE]' });
    } catch (error) {
      await send(toApiError(error).body);
    } finally {
      completion.close();
      resolve();
    }
  });
}

function choice(text: string, finish_reason: 'stop' | 'length' | null) {
  return { text, index: 0, logprobs: null, finish_reason };
}
