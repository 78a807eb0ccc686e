/** @module A Worker that binds to edgebeam's, for test/e2e/rpc.test.ts: each path is something that a user does. */
import type { Edgebeam } from '../../../worker/index.ts';
import { type CompletionRequest, crossing, isEdgebeamError, readEvents } from '../../../worker/rpc/caller.ts';

interface CallerEnv {
  readonly LLM: Service<Edgebeam>;
}

const CHOICES = { prompt: 'Once upon a time there was a', choices: [' girl', ' table'] };

type Action = (llm: CallerEnv['LLM'], body: CompletionRequest, request: Request) => Promise<unknown>;

const ACTIONS: Readonly<Record<string, Action>> = {
  generate: (llm, body) => llm.generate(body),
  chat: (llm) => llm.chat({ messages: [{ role: 'user', content: 'Hello' }] }),
  score: (llm) => llm.score(CHOICES),
  suggest: (llm) => llm.suggest({ text: 'Once upon a ti', n: 3 }),
  perplexity: (llm) => llm.perplexity({ text: CHOICES.prompt }),
  tokenize: (llm) => llm.tokenize({ inputs: 'Once upon a time' }),
  detokenize: async (llm) => {
    const tokens = await llm.tokenize({ inputs: 'Once upon a time' });
    return await llm.detokenize({ tokens: tokens.map(({ id }) => id) });
  },
  models: (llm) => llm.models(),
  health: (llm) => llm.health(),

  /** The events as a client of the calling Worker gets them. */
  async pass(llm, body) {
    return new Response(await llm.stream(body), { headers: { 'content-type': 'text/event-stream' } });
  },
  async events(llm, body) {
    return await Array.fromAsync(readEvents(await llm.stream(body)));
  },
  async leave(llm, body) {
    for await (const { choices } of readEvents(await llm.stream(body))) {
      if (choices.length > 0) return await llm.health();
    }
    throw new Error('the stream has no events');
  },

  async cancel(llm, body) {
    const controller = new AbortController();
    const answer = llm.generate(body, { signal: crossing(controller.signal) });
    await scheduler.wait(300);
    controller.abort();
    return await answer;
  },
  async cancelStream(llm, body) {
    const controller = new AbortController();
    const stream = await llm.stream(body, { signal: crossing(controller.signal) });
    controller.abort();
    return await Array.fromAsync(readEvents(stream));
  },
  /** Cancels when its own client leaves. */
  wait: (llm, body, { signal }) => llm.generate(body, { signal: crossing(signal) }),

  values: (llm, { prompt }) =>
    llm.generate({
      prompt: Int32Array.from(prompt as number[]),
      seed: 2n ** 63n - 1n,
    }),
  notANumber: (llm) => llm.generate({ temperature: Number.NaN }),
  map: (llm) => llm.generate({ logit_bias: new Map([['50', 1]]) as unknown as Record<string, number> }),
  list: (llm) => llm.generate([] as unknown as CompletionRequest),
  streamed: (llm) => llm.generate({ stream: true } as CompletionRequest),

  /** Streams, until one finds no space. */
  async overload(llm, body) {
    const open: ReadableStream<Uint8Array>[] = [];
    try {
      for (;;) open.push(await llm.stream({ ...body, max_tokens: 450, ignore_eos: true }));
    } finally {
      await Promise.all(open.map((stream) => stream.cancel()));
    }
  },
};

export default {
  async fetch(request: Request, { LLM }: CallerEnv): Promise<Response> {
    const action = ACTIONS[new URL(request.url).pathname.slice(1)];
    if (!action) return new Response(null, { status: 404 });
    try {
      const body: CompletionRequest = request.method === 'POST' ? await request.json() : {};
      const answer = await action(LLM, body, request);
      return answer instanceof Response ? answer : Response.json(answer);
    } catch (error) {
      if (!isEdgebeamError(error)) return Response.json({ error: String(error) }, { status: 599 });
      const { name, message, status, code, param, type, retryAfter, requestId } = error;
      const hasId = requestId !== null;
      return Response.json({ name, message, status, code, param, type, retryAfter, hasId }, { status });
    }
  },
};
