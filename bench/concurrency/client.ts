/** @module A streaming client light enough to share two cores with the measured Worker. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

export interface CompletionRequest {
  /** Token ids. */
  readonly prompt: readonly number[];
  /** Exact length of the answer: the request ignores the end of text. With a schema, the longest one. */
  readonly tokens: number;
  /** JSON schema of the answer. */
  readonly schema?: object;
}

/** Times are those of `performance.now()` in this process. */
export interface Completion {
  readonly sent: number;
  /** One time per token. */
  readonly arrivals: readonly number[];
  /** Cached prompt tokens, as reported by the server. */
  readonly cachedTokens: number;
}

/** The fields read from a chunk of `POST /v1/completions`. */
interface Chunk {
  readonly choices?: readonly { readonly finish_reason: string | null }[];
  readonly usage?: { readonly prompt_tokens_details?: { readonly cached_tokens: number } } | null;
}

/**
 * Streams a greedy completion over its own connection.
 * @param onToken called at each token
 * @throws Error if the server refuses, or the stream has another number of tokens than requested
 */
export async function complete(
  server: URL,
  { prompt, tokens, schema }: CompletionRequest,
  onToken: () => void = () => {},
): Promise<Completion> {
  const sent = performance.now();
  const response = await post(server, {
    prompt,
    max_tokens: tokens,
    temperature: 0,
    ...(schema ? { response_format: { type: 'json_object', schema } } : { ignore_eos: true }),
    stream: true,
    stream_options: { include_usage: true },
  });
  const arrivals: number[] = [];
  let cachedTokens = 0;
  for await (const data of serverSentEvents(response)) {
    if (data === '[DONE]') continue;
    const { choices, usage } = JSON.parse(data) as Chunk;
    if (!choices) throw new Error(`the stream was aborted: ${data}`);
    cachedTokens = usage?.prompt_tokens_details?.cached_tokens ?? cachedTokens;
    // One chunk per token, and a final one.
    if (choices[0]?.finish_reason !== null) continue;
    arrivals.push(performance.now());
    onToken();
  }
  if (!schema && arrivals.length !== tokens)
    throw new Error(`received ${arrivals.length} tokens, expected ${tokens}`);
  return { sent, arrivals, cachedTokens };
}

async function post(server: URL, body: object): Promise<IncomingMessage> {
  const outgoing = request(new URL('/v1/completions', server), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // The server might be closing a kept-alive connection.
    agent: false,
  });
  outgoing.end(JSON.stringify(body));
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  if (response.statusCode === 200) return response;
  const message = await response.reduce((text, part) => text + part, '');
  throw new Error(`the Worker answered ${response.statusCode}: ${message}`);
}

async function* serverSentEvents(response: IncomingMessage): AsyncGenerator<string, void, undefined> {
  let incomplete = '';
  for await (const text of response) {
    const events = (incomplete + text).split('\n\n');
    incomplete = events.pop() ?? '';
    for (const event of events) yield event.replace(/^data: /, '');
  }
}

export const firstTokenMilliseconds = ({ sent, arrivals }: Completion): number => (arrivals[0] ?? NaN) - sent;

/** Milliseconds between consecutive tokens, measured by the client. */
export function gaps({ arrivals }: Completion): number[] {
  return arrivals.slice(1).map((arrival, i) => arrival - (arrivals[i] as number));
}
