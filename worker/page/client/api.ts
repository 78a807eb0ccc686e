/** @module The API as the page uses it: what anyone's client could ask, and nothing else. */
import type { RequestBody } from './request.ts';
import { ServerSentEvents } from './server-sent-events.ts';

/** A beam of a front: see `include_beams` in the API's reference. */
export interface Beam {
  readonly group: number;
  readonly index: number | null;
  readonly text: string;
  readonly parent: number;
  readonly logprob: number;
  readonly score: number;
  readonly finished: string | null;
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

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

export interface Chunk {
  readonly choices: readonly Choice[];
  readonly usage?: Usage | null;
  readonly beams?: { readonly step: number; readonly front: readonly Beam[] };
}

/** Of what who has no key is not told, where there are keys, all is missing but the first two. */
export interface Health {
  readonly ready: boolean;
  readonly model?: { readonly name: string; readonly precision: string } | null;
  readonly plan?: { readonly maxRows: number };
  readonly heap?: { readonly maximum: number; readonly size: number };
  readonly slots?: { readonly maximum: number; readonly reserved: number; readonly taken: number };
}

/** What went wrong, where the API refused in its own words. */
export class ApiError extends Error {
  /** 0 where there was no answer. */
  readonly status: number;
  /** The field to blame. */
  readonly param: string | null;

  constructor(status: number, message: string, param: string | null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.param = param;
  }
}

export class Api {
  /** Where the deployment has keys. */
  key = '';

  async health(): Promise<Health> {
    return (await (await this.#fetch('/health')).json()) as Health;
  }

  /**
   * Streams a completion. Aborting is how it is cancelled: the server stops at the next token.
   * @throws ApiError, also for an error in the middle; what the signal was aborted with
   */
  async *complete(body: RequestBody, signal: AbortSignal): AsyncGenerator<Chunk, void, undefined> {
    const response = await this.#fetch('/v1/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    });
    for await (const data of eventsOf(response, signal)) {
      if (data === '[DONE]') return;
      const chunk = JSON.parse(data) as Chunk | ErrorBody;
      if ('error' in chunk) throw new ApiError(response.status, chunk.error.message, chunk.error.param);
      yield chunk;
    }
    throw new ApiError(response.status, 'The stream ended before the text did.', null);
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.key) headers.set('authorization', `Bearer ${this.key}`);
    const response = await fetch(path, { ...init, headers }).catch(unlessAborted(init.signal));
    if (response.ok) return response;
    throw await refusalOf(response);
  }
}

interface ErrorBody {
  readonly error: { readonly message: string; readonly param: string | null };
}

/** Something before the Worker, as a proxy, may answer in another shape. */
async function refusalOf(response: Response): Promise<ApiError> {
  const { status } = response;
  const body: unknown = await response.json().catch(() => null);
  if (isErrorBody(body)) return new ApiError(status, body.error.message, body.error.param);
  return new ApiError(status, `The server answered with status ${status}.`, null);
}

function isErrorBody(body: unknown): body is ErrorBody {
  const error = (body as Partial<ErrorBody> | null)?.error;
  return typeof error?.message === 'string';
}

async function* eventsOf({ body }: Response, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  if (!body) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const events = new ServerSentEvents();
  for (;;) {
    const { done, value } = await reader.read().catch(unlessAborted(signal));
    if (done) return;
    yield* events.push(value);
  }
}

/** Browsers say what is wrong with a connection each in their own way, and not to people. */
function unlessAborted(signal: AbortSignal | null | undefined): (error: unknown) => never {
  return (error) => {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'The server cannot be reached, or the connection was lost.', null);
  };
}
