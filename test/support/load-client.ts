/** @module A client that can disconnect at any moment, and keeps what it has received of the answer. */
import type { LoadRequest } from './load-requests.ts';

/** Longer than any answer takes. */
const TIMEOUT_MILLISECONDS = 90_000;

/** When the client disconnects: after a time, or after a number of events of a stream. */
export interface Disconnect {
  readonly after: 'milliseconds' | 'events';
  readonly count: number;
}

export interface Answer {
  /** null if the client disconnected before the response. */
  readonly status: number | null;
  /**
   * The body, or the events of a stream in order, without the fields that differ between identical requests.
   * The texts of one stream are interleaved arbitrarily, so each has its own list.
   */
  readonly parts: Readonly<Record<string, readonly unknown[]>>;
  /** Whether the client disconnected before the end. */
  readonly disconnected: boolean;
  /** Why the answer is incomplete: timeout, lost connection or malformed stream. */
  readonly failure: string | null;
}

export async function sendRequest(
  url: string,
  request: LoadRequest,
  disconnect?: Disconnect,
): Promise<Answer> {
  const client = new Client(url, request, disconnect);
  try {
    return await client.answer();
  } finally {
    client.close();
  }
}

class Client {
  readonly #url: string;
  readonly #request: LoadRequest;
  readonly #disconnect: Disconnect | undefined;
  readonly #connection = new AbortController();
  readonly #timeout = AbortSignal.timeout(TIMEOUT_MILLISECONDS);
  readonly #signal = AbortSignal.any([this.#connection.signal, this.#timeout]);
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #parts: Record<string, unknown[]> = {};
  #events = 0;
  #status: number | null = null;

  constructor(url: string, request: LoadRequest, disconnect?: Disconnect) {
    this.#url = url;
    this.#request = request;
    this.#disconnect = disconnect;
    if (disconnect?.after === 'milliseconds') {
      this.#timer = globalThis.setTimeout(() => this.#connection.abort(), disconnect.count);
    }
  }

  async answer(): Promise<Answer> {
    const failure = await this.#receive().then(
      () => null,
      (error: unknown) => this.#describeFailure(error),
    );
    const disconnected = this.#connection.signal.aborted;
    return { status: this.#status, parts: this.#parts, disconnected, failure };
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #receive(): Promise<void> {
    const response = await this.#fetch();
    this.#status = response.status;
    const type = response.headers.get('content-type');
    if (type?.startsWith('text/event-stream')) await this.#readEvents(response);
    else this.#record(type?.startsWith('application/json') ? await response.json() : await response.text());
  }

  #describeFailure(error: unknown): string | null {
    if (this.#connection.signal.aborted) return null;
    if (this.#timeout.aborted) return `the answer was incomplete after ${TIMEOUT_MILLISECONDS} ms`;
    return error instanceof Error && error.cause ? `${error}: ${error.cause}` : String(error);
  }

  async #fetch(): Promise<Response> {
    const { path, body } = this.#request;
    return await fetch(this.#url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: this.#signal,
    });
  }

  async #readEvents(response: Response): Promise<void> {
    if (!response.body) throw new Error('the stream has no body');
    let rest = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const messages = (rest + chunk).split('\n\n');
      rest = messages.pop() ?? '';
      for (const message of messages) {
        if (!message.startsWith('data: ')) throw new Error(`not an event: ${message}`);
        const data = message.slice('data: '.length);
        this.#record(data === '[DONE]' ? data : JSON.parse(data));
        if (this.#disconnect?.after === 'events' && ++this.#events === this.#disconnect.count) {
          this.#connection.abort();
          return;
        }
      }
    }
    if (rest !== '') throw new Error(`the stream ends within an event: ${rest}`);
  }

  #record(data: unknown): void {
    const part = partName(data);
    this.#parts[part] ??= [];
    this.#parts[part].push(withoutVaryingFields(data));
  }
}

interface Chunk {
  readonly choices?: readonly { readonly index: number }[];
  readonly beams?: { readonly prompt?: number };
}

/** The name of the text that an event belongs to, or `all`. */
export function partName(data: unknown): string {
  const { choices, beams } = data as Chunk;
  if (beams?.prompt !== undefined) return `beams of prompt ${beams.prompt}`;
  return choices?.length === 1 ? `choice ${choices[0]?.index}` : 'all';
}

/** Fields whose values depend on the moment or on the prefix cache. */
const VARYING_FIELDS = new Set(['id', 'created', 'prompt_tokens_details']);

/** An event or a body without the fields that differ between identical requests. */
export function withoutVaryingFields(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data;
  const { usage, result, ...others } = data as Record<string, unknown>;
  const constant = Object.fromEntries(Object.entries(others).filter(([name]) => !VARYING_FIELDS.has(name)));
  return {
    ...constant,
    ...(usage !== undefined && { usage: withoutVaryingFields(usage) }),
    ...(result !== undefined && { result: withoutVaryingFields(result) }),
  };
}

/** `reference`, or for a client that disconnected, the part of it that the client must have received. */
export function expectedAnswer(reference: Answer, { status, parts, disconnected }: Answer): Answer {
  if (!disconnected) return reference;
  const received = Object.entries(parts).map(
    ([part, events]) => [part, reference.parts[part]?.slice(0, events.length) ?? []] as const,
  );
  return {
    ...reference,
    status: status === null ? null : reference.status,
    parts: Object.fromEntries(received),
    disconnected,
  };
}
