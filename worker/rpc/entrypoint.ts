/**
 * @module The entrypoint that other Workers bind to. Each method is a route without HTTP: it takes the body of the
 * route and gives that of its answer, with the same checks, limits, queue, log and metrics. Keys and rate limits do
 * not apply: whoever deploys a binding to this Worker has the permission. A method is one invocation.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import { openaiErrors } from '../contracts/openai/errors.ts';
import { CALLER } from '../http/caller.ts';
import type { App, Bindings } from '../http/env.ts';
import { ApiError } from '../http/errors.ts';
import { isPlain, jsonOf } from './body.ts';
import { type Cancellation, cancellationOf } from './cancel.ts';
import { type ErrorBody, rpcError } from './errors.ts';
import type * as rpc from './types.ts';

interface Call {
  /** The name of the method, for the log. */
  readonly method: string;
  readonly path: string;
  /** What the caller gives. Without it the call is a GET. */
  readonly request?: unknown;
  readonly options?: unknown;
  /** Of methods that say whether their answer is streamed. */
  readonly stream?: boolean;
}

/**
 * Extend it with the app of the Worker. Only methods can be called over RPC, so `app` must be a field. Export it under a
 * name: as the default export it would answer the internet, and it asks for no key.
 */
export abstract class EdgebeamEntrypoint<Env extends object = Bindings> extends WorkerEntrypoint<Env> {
  protected abstract readonly app: App<Env>;

  /** The HTTP interface, for clients that take a `fetch`. */
  override async fetch(request: Request): Promise<Response> {
    return await this.app.fetch(request, { ...this.env, [CALLER]: {} }, this.ctx);
  }

  /** Continues prompts. @throws an error with the fields of `RpcErrorFields`, as all methods do */
  async generate(request: rpc.CompletionRequest, options?: rpc.CallOptions): Promise<rpc.Completion> {
    const method = { method: 'generate', path: '/v1/completions', stream: false };
    return await this.#answer({ ...method, request, options });
  }

  /**
   * Continues prompts, as server-sent events: `readEvents` reads them, and a `Response` sends them on. Cancelling the
   * stream ends the generation at its next token.
   */
  async stream(
    request: rpc.CompletionRequest,
    options?: rpc.CallOptions,
  ): Promise<ReadableStream<Uint8Array>> {
    return await this.#events({ method: 'stream', path: '/v1/completions', stream: true, request, options });
  }

  /** Answers a chat, with a model that has a chat template. */
  async chat(request: rpc.ChatRequest, options?: rpc.CallOptions): Promise<rpc.Chat> {
    const method = { method: 'chat', path: '/v1/chat/completions', stream: false };
    return await this.#answer({ ...method, request, options });
  }

  /** Answers a chat, as server-sent events. */
  async streamChat(request: rpc.ChatRequest, options?: rpc.CallOptions): Promise<ReadableStream<Uint8Array>> {
    const method = { method: 'streamChat', path: '/v1/chat/completions', stream: true };
    return await this.#events({ ...method, request, options });
  }

  /** Scores and ranks choices after a prompt. */
  async score(request: rpc.ScoreRequest, options?: rpc.CallOptions): Promise<rpc.Score> {
    return await this.#answer({ method: 'score', path: '/v1/score', request, options });
  }

  /** Scores a text of any length. */
  async perplexity(request: rpc.PerplexityRequest, options?: rpc.CallOptions): Promise<rpc.Perplexity> {
    const method = { method: 'perplexity', path: '/v1/perplexity', stream: false };
    return await this.#answer({ ...method, request, options });
  }

  /** Suggests what the text that is being typed will be. */
  async suggest(request: rpc.SuggestRequest, options?: rpc.CallOptions): Promise<rpc.Suggestions> {
    return await this.#answer({ method: 'suggest', path: '/v1/suggest', request, options });
  }

  /** The tokens of a text, with their places in it. */
  async tokenize(request: rpc.TokenizeRequest): Promise<rpc.Tokens> {
    return await this.#answer({ method: 'tokenize', path: '/tokenize', request });
  }

  /** The text of tokens. */
  async detokenize(request: rpc.DetokenizeRequest): Promise<rpc.Detokenized> {
    return await this.#answer({ method: 'detokenize', path: '/detokenize', request });
  }

  /** The model of this Worker. Does not load it. */
  async models(): Promise<rpc.ModelList> {
    return await this.#answer({ method: 'models', path: '/v1/models' });
  }

  /** Whether this isolate has the model in memory, and the use of its memory. */
  async health(): Promise<rpc.Health> {
    return await this.#answer({ method: 'health', path: '/health' });
  }

  async #answer<Answer>(call: Call): Promise<Answer> {
    const { request, cancellation } = begun(call);
    const answering = this.#respond(call.method, request).then((response) => response.json<Answer>());
    // A caller that goes away would leave it without its `finally`.
    this.ctx.waitUntil(answering.then(cancellation.end, cancellation.end));
    return await answering;
  }

  async #events(call: Call): Promise<ReadableStream<Uint8Array>> {
    const {
      request,
      cancellation: { signal, end },
    } = begun(call);
    try {
      const { body } = await this.#respond(call.method, request);
      // workerd's own stream: one made in JavaScript would not tell its source that the caller is gone.
      const { readable, writable } = new IdentityTransformStream();
      const sending = (body as ReadableStream<Uint8Array>).pipeTo(writable, { signal });
      this.ctx.waitUntil(sending.then(end, end));
      return readable;
    } catch (error) {
      end();
      throw error;
    }
  }

  async #respond(method: string, request: Request): Promise<Response> {
    const response = await this.app.fetch(request, { ...this.env, [CALLER]: { method } }, this.ctx);
    if (response.ok) return response;
    if (request.signal.aborted) throw request.signal.reason;
    throw rpcError(await response.json<ErrorBody>(), response.status, response.headers);
  }
}

/** @throws an error with `RpcErrorFields` for arguments that are no request */
function begun({ path, stream, options, ...call }: Call): {
  readonly request: Request;
  readonly cancellation: Cancellation;
} {
  try {
    const body = 'request' in call ? jsonOf(withStream(call.request, stream)) : undefined;
    const cancellation = cancellationOf(options);
    const { signal } = cancellation;
    const headers = { 'content-type': 'application/json' };
    const init = body === undefined ? { signal } : { method: 'POST', headers, body, signal };
    return { request: new Request(`http://rpc${path}`, init), cancellation };
  } catch (error) {
    throw error instanceof ApiError ? rpcError(openaiErrors.body(error) as ErrorBody, error.status) : error;
  }
}

/** @param stream what the method says @throws ApiError for a request that asks for the other form of answer */
function withStream(request: unknown, stream: boolean | undefined): unknown {
  // Anything else is refused where bodies are.
  if (stream === undefined || typeof request !== 'object' || request === null || !isPlain(request))
    return request;
  const asked = 'stream' in request ? request.stream : undefined;
  if (asked === undefined || asked === null || asked === stream) return { ...request, stream };
  const message = `'stream' must be ${stream} or omitted here: other methods answer otherwise`;
  throw new ApiError(400, message, { param: 'stream', code: 'invalid_value' });
}
