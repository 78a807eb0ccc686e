/** @module A client that may go away at any moment, and what it had of the answer until then. */
import type { LoadRequest } from './load-requests.ts';

/** Nobody waits so long for an answer that comes. */
const HUNG_MILLISECONDS = 90_000;

/** When the client goes away. */
export interface Leave {
  readonly after: 'milliseconds' | 'events';
  readonly count: number;
}

export interface Answer {
  /** null where the client left before there was one. */
  readonly status: number | null;
  /**
   * The body, or the events of a stream in their order, without what differs from one asking to the next. Texts of one stream
   * take turns as they come, so each has a list of its own.
   */
  readonly parts: Readonly<Record<string, readonly unknown[]>>;
  /** The client left before the end. */
  readonly left: boolean;
  /** Why there is no whole answer: none for too long, the connection has ended, or a stream is none. */
  readonly failure: string | null;
}

export async function ask(url: string, request: LoadRequest, leave?: Leave): Promise<Answer> {
  const client = new Client(url, request, leave);
  try {
    return await client.answer();
  } finally {
    client.end();
  }
}

class Client {
  readonly #url: string;
  readonly #request: LoadRequest;
  readonly #leave: Leave | undefined;
  readonly #gone = new AbortController();
  readonly #hung = AbortSignal.timeout(HUNG_MILLISECONDS);
  readonly #signal = AbortSignal.any([this.#gone.signal, this.#hung]);
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #parts: Record<string, unknown[]> = {};
  #events = 0;
  #status: number | null = null;

  constructor(url: string, request: LoadRequest, leave?: Leave) {
    this.#url = url;
    this.#request = request;
    this.#leave = leave;
    if (leave?.after === 'milliseconds') {
      this.#timer = globalThis.setTimeout(() => this.#gone.abort(), leave.count);
    }
  }

  async answer(): Promise<Answer> {
    const failure = await this.#receive().then(
      () => null,
      (error: unknown) => this.#failureOf(error),
    );
    return { status: this.#status, parts: this.#parts, left: this.#gone.signal.aborted, failure };
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  async #receive(): Promise<void> {
    const response = await this.#response();
    this.#status = response.status;
    const type = response.headers.get('content-type');
    if (type?.startsWith('text/event-stream')) await this.#read(response);
    else this.#take(type?.startsWith('application/json') ? await response.json() : await response.text());
  }

  #failureOf(error: unknown): string | null {
    if (this.#gone.signal.aborted) return null;
    if (this.#hung.aborted) return `no whole answer in ${HUNG_MILLISECONDS} ms`;
    return error instanceof Error && error.cause ? `${error}: ${error.cause}` : String(error);
  }

  async #response(): Promise<Response> {
    const { path, body } = this.#request;
    return await fetch(this.#url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: this.#signal,
    });
  }

  async #read(response: Response): Promise<void> {
    if (!response.body) throw new Error('the stream has no body');
    let rest = '';
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      const messages = (rest + piece).split('\n\n');
      rest = messages.pop() ?? '';
      for (const message of messages) {
        if (!message.startsWith('data: ')) throw new Error(`not an event: ${message}`);
        const data = message.slice('data: '.length);
        this.#take(data === '[DONE]' ? data : JSON.parse(data));
        if (this.#leave?.after === 'events' && ++this.#events === this.#leave.count) {
          this.#gone.abort();
          return;
        }
      }
    }
    if (rest !== '') throw new Error(`the stream ends within an event: ${rest}`);
  }

  #take(data: unknown): void {
    const part = partOf(data);
    this.#parts[part] ??= [];
    this.#parts[part].push(withoutIncidentals(data));
  }
}

interface Chunk {
  readonly choices?: readonly { readonly index: number }[];
  readonly beams?: { readonly prompt?: number };
}

/** Which text an event belongs to; what stands for all of them is in `all`. */
function partOf(data: unknown): string {
  const { choices, beams } = data as Chunk;
  if (beams?.prompt !== undefined) return `beams of prompt ${beams.prompt}`;
  return choices?.length === 1 ? `choice ${choices[0]?.index}` : 'all';
}

/** Names and times of answers, and how much of the prompt was at hand: never twice the same, or as it happens. */
const INCIDENTAL = new Set(['id', 'created', 'prompt_tokens_details']);

function withoutIncidentals(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data;
  const { usage, result, ...others } = data as Record<string, unknown>;
  const kept = Object.fromEntries(Object.entries(others).filter(([name]) => !INCIDENTAL.has(name)));
  return {
    ...kept,
    ...(usage !== undefined && { usage: withoutIncidentals(usage) }),
    ...(result !== undefined && { result: withoutIncidentals(result) }),
  };
}

/** What of the whole answer a client must have had that got `answer`. */
export function expectedOf(whole: Answer, { status, parts, left }: Answer): Answer {
  if (!left) return whole;
  const begun = Object.entries(parts).map(
    ([part, events]) => [part, whole.parts[part]?.slice(0, events.length) ?? []] as const,
  );
  return { ...whole, status: status === null ? null : whole.status, parts: Object.fromEntries(begun), left };
}
