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
import { jsonOf } from './body.ts';
import { type CancelSignal, cancellationOf } from './cancel.ts';
import { type ErrorBody, rpcError } from './errors.ts';
import type * as rpc from './types.ts';

interface Call {
  /** The name of the method, for the log. */
  readonly method: string;
  readonly path: string;
  /** undefined: a GET. */
  readonly body?: unknown;
  readonly signal?: CancelSignal | undefined;
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
  async generate(request: rpc.CompletionRequest, { signal }: rpc.CallOptions = {}): Promise<rpc.Completion> {
    const body = withStream(request, false);
    return await this.#answer({ method: 'generate', path: '/v1/completions', body, signal });
  }

  /**
   * Continues prompts, as server-sent events: `readEvents` reads them, and a `Response` sends them on. Cancelling the
   * stream ends the generation at its next token.
   */
  async stream(
    request: rpc.CompletionRequest,
    { signal }: rpc.CallOptions = {},
  ): Promise<ReadableStream<Uint8Array>> {
    const body = withStream(request, true);
    return await this.#events({ method: 'stream', path: '/v1/completions', body, signal });
  }

  /** Answers a chat, with a model that has a chat template. */
  async chat(request: rpc.ChatRequest, { signal }: rpc.CallOptions = {}): Promise<rpc.Chat> {
    const body = withStream(request, false);
    return await this.#answer({ method: 'chat', path: '/v1/chat/completions', body, signal });
  }

  /** Answers a chat, as server-sent events. */
  async streamChat(
    request: rpc.ChatRequest,
    { signal }: rpc.CallOptions = {},
  ): Promise<ReadableStream<Uint8Array>> {
    const body = withStream(request, true);
    return await this.#events({ method: 'streamChat', path: '/v1/chat/completions', body, signal });
  }

  /** Scores and ranks choices after a prompt. */
  async score(request: rpc.ScoreRequest, { signal }: rpc.CallOptions = {}): Promise<rpc.Score> {
    return await this.#answer({ method: 'score', path: '/v1/score', body: request, signal });
  }

  /** Scores a text of any length. */
  async perplexity(
    request: rpc.PerplexityRequest,
    { signal }: rpc.CallOptions = {},
  ): Promise<rpc.Perplexity> {
    const body = withStream(request, false);
    return await this.#answer({ method: 'perplexity', path: '/v1/perplexity', body, signal });
  }

  /** Suggests what the text that is being typed will be. */
  async suggest(request: rpc.SuggestRequest, { signal }: rpc.CallOptions = {}): Promise<rpc.Suggestions> {
    return await this.#answer({ method: 'suggest', path: '/v1/suggest', body: request, signal });
  }

  /** The tokens of a text, with their places in it. */
  async tokenize(request: rpc.TokenizeRequest): Promise<rpc.Tokens> {
    return await this.#answer({ method: 'tokenize', path: '/tokenize', body: request });
  }

  /** The text of tokens. */
  async detokenize(request: rpc.DetokenizeRequest): Promise<rpc.Detokenized> {
    return await this.#answer({ method: 'detokenize', path: '/detokenize', body: request });
  }

  /** The model of this Worker. Does not load it. */
  async models(): Promise<rpc.ModelList> {
    return await this.#answer({ method: 'models', path: '/v1/models' });
  }

  /** Whether this isolate has the model in memory, and the use of its memory. */
  async health(): Promise<rpc.Health> {
    return await this.#answer({ method: 'health', path: '/health' });
  }

  async #answer<Answer>({ signal: cancel, ...call }: Call): Promise<Answer> {
    const { signal, end } = cancellationOf(cancel);
    const answering = this.#respond(call, signal).then((response) => response.json<Answer>());
    // A caller that goes away would leave it without its `finally`.
    this.ctx.waitUntil(answering.then(end, end));
    return await answering;
  }

  async #events({ signal: cancel, ...call }: Call): Promise<ReadableStream<Uint8Array>> {
    const { signal, end } = cancellationOf(cancel);
    try {
      const { body } = await this.#respond(call, signal);
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

  async #respond({ method, path, body }: Call, signal: AbortSignal): Promise<Response> {
    const request = requestOf(path, body, signal);
    const response = await this.app.fetch(request, { ...this.env, [CALLER]: { method } }, this.ctx);
    if (response.ok) return response;
    if (signal.aborted) throw signal.reason;
    throw rpcError(await response.json<ErrorBody>(), response.status, response.headers);
  }
}

function requestOf(path: string, body: unknown, signal: AbortSignal): Request {
  const url = `http://rpc${path}`;
  if (body === undefined) return new Request(url, { signal });
  try {
    const headers = { 'content-type': 'application/json' };
    return new Request(url, { method: 'POST', headers, body: jsonOf(body), signal });
  } catch (error) {
    throw error instanceof ApiError ? rpcError(openaiErrors.body(error) as ErrorBody, error.status) : error;
  }
}

/** @throws an error with `RpcErrorFields` for a request that asks for the other form of answer */
function withStream(request: object, stream: boolean): unknown {
  // Anything else is refused where bodies are.
  if (typeof request !== 'object' || request === null || Array.isArray(request)) return request ?? null;
  const asked = 'stream' in request ? request.stream : undefined;
  if (asked === undefined || asked === null || asked === stream) return { ...request, stream };
  const message = `'stream' must be ${stream} or omitted here: other methods answer otherwise`;
  const fields = { type: 'invalid_request_error', param: 'stream', code: 'invalid_value' };
  throw rpcError({ error: { message, ...fields } }, 400);
}
