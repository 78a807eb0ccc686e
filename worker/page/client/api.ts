/** @module A client of the public API, with the calls and fields that the page uses. */
import type { RequestBody } from './request.ts';
import { EventStreamParser } from './server-sent-events.ts';

/** A beam after a step: see `include_beams` in the API's reference. */
export interface Beam {
  readonly group: number;
  readonly index: number | null;
  readonly text: string;
  readonly parent: number;
  readonly logprob: number;
  readonly score: number;
  readonly finished: string | null;
  /** Number of tokens that the constraint allowed in its token's place. */
  readonly allowed?: number | undefined;
}

export interface Logprobs {
  readonly tokens: readonly string[];
  readonly token_logprobs: readonly (number | null)[];
  readonly top_logprobs: readonly (Readonly<Record<string, number>> | null)[];
  readonly text_offset: readonly number[];
}

export interface Choice {
  readonly index: number;
  readonly text: string;
  readonly logprobs: Logprobs | null;
  readonly finish_reason: 'stop' | 'length' | null;
  readonly sequences_score?: number;
}

/** An entry of a catalogue, with what was typed. */
export interface Suggestion {
  readonly text: string;
  readonly score: number;
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

export interface Chunk {
  readonly choices: readonly Choice[];
  readonly usage?: Usage | null;
  /** How often tokens have been dropped so far, of texts that may be longer than the context. */
  readonly context_resets?: number;
  readonly beams?: { readonly step: number; readonly front: readonly Beam[] };
}

/** On a deployment with keys, a request without one gets only `ready`. `model` is null until it is loaded. */
export interface Health {
  readonly ready: boolean;
  readonly model?: { readonly name: string; readonly precision: string } | null;
  readonly catalogues?: Readonly<Record<string, { readonly entries: number }>>;
  readonly plan?: { readonly maxRows: number };
  readonly heap?: { readonly maximum: number; readonly size: number };
  readonly slots?: { readonly maximum: number; readonly reserved: number; readonly taken: number };
}

/** An error response of the API, or a failed connection. */
export class ApiError extends Error {
  /** HTTP status; 0 if there was no response. */
  readonly status: number;
  /** The request field at fault. */
  readonly param: string | null;

  constructor(status: number, message: string, param: string | null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.param = param;
  }
}

export class Api {
  readonly #server: string;
  /** Sent if not empty. */
  key = '';

  /** @param server its address, without a slash at its end */
  constructor(server: string) {
    this.#server = server;
  }

  async health(): Promise<Health> {
    return (await (await this.#fetch('/health')).json()) as Health;
  }

  /** The names of the base and of its adapters. @throws ApiError */
  async models(): Promise<readonly string[]> {
    const { data } = (await (await this.#fetch('/v1/models')).json()) as ModelList;
    return data.map(({ id }) => id);
  }

  /**
   * Streams a completion. Aborting the signal cancels it: the server stops at the next token.
   * @throws ApiError, also for an error within the stream; the signal's reason if it was aborted
   */
  async *complete(body: RequestBody, signal: AbortSignal): AsyncGenerator<Chunk, void, undefined> {
    const response = await this.#fetch('/v1/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    });
    for await (const data of readEvents(response, signal)) {
      if (data === '[DONE]') return;
      const chunk = JSON.parse(data) as Chunk | ErrorBody;
      if ('error' in chunk) throw new ApiError(response.status, chunk.error.message, chunk.error.param);
      yield chunk;
    }
    throw new ApiError(response.status, 'The stream ended before the text was complete.', null);
  }

  /** Aborting the signal cancels the search. @throws ApiError; the signal's reason if it was aborted */
  async suggest(body: RequestBody, signal: AbortSignal): Promise<readonly Suggestion[]> {
    const response = await this.#fetch('/v1/suggest', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    });
    return ((await response.json()) as { readonly data: readonly Suggestion[] }).data;
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.key) headers.set('authorization', `Bearer ${this.key}`);
    const response = await fetch(this.#server + path, { ...init, headers }).catch(
      rethrowAsApiError(init.signal),
    );
    if (response.ok) return response;
    throw await toApiError(response);
  }
}

interface ModelList {
  readonly data: readonly { readonly id: string }[];
}

interface ErrorBody {
  readonly error: { readonly message: string; readonly param: string | null };
}

/** The body may have another shape: a proxy in front of the Worker may have answered. */
async function toApiError(response: Response): Promise<ApiError> {
  const { status } = response;
  const body: unknown = await response.json().catch(() => null);
  if (isErrorBody(body)) return new ApiError(status, body.error.message, body.error.param);
  return new ApiError(status, `The server responded with status ${status}.`, null);
}

function isErrorBody(body: unknown): body is ErrorBody {
  const error = (body as Partial<ErrorBody> | null)?.error;
  return typeof error?.message === 'string';
}

async function* readEvents({ body }: Response, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  if (!body) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventStreamParser();
  for (;;) {
    const { done, value } = await reader.read().catch(rethrowAsApiError(signal));
    if (done) return;
    yield* parser.push(value);
  }
}

/** Replaces browsers' connection errors, which differ and are not meant for users. Abort reasons are kept. */
function rethrowAsApiError(signal: AbortSignal | null | undefined): (error: unknown) => never {
  return (error) => {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'The server cannot be reached, or the connection was lost.', null);
  };
}
