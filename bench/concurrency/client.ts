/** @module A streaming client that is light enough to share two cores with what it measures. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

export interface Asked {
  /** Token ids. */
  readonly prompt: readonly number[];
  /** Tokens of the answer, never fewer: no end of text ends it. */
  readonly tokens: number;
}

/** Times are those of `performance.now()` in this process. */
export interface Completion {
  readonly sent: number;
  /** Of each token. */
  readonly arrivals: readonly number[];
  /** Tokens of the prompt that the server had already, as it says. */
  readonly cachedTokens: number;
}

/** What is read of a chunk of `POST /v1/completions`. */
interface Chunk {
  readonly choices?: readonly { readonly finish_reason: string | null }[];
  readonly usage?: { readonly prompt_tokens_details?: { readonly cached_tokens: number } } | null;
}

/**
 * Asks for a greedy completion over a connection of its own, and reads it as it comes.
 * @param onToken called at each token
 * @throws Error when the server refuses, or the stream does not have as many tokens as were asked for
 */
export async function complete(
  server: URL,
  { prompt, tokens }: Asked,
  onToken: () => void = () => {},
): Promise<Completion> {
  const sent = performance.now();
  const response = await post(server, {
    prompt,
    max_tokens: tokens,
    temperature: 0,
    ignore_eos: true,
    stream: true,
    stream_options: { include_usage: true },
  });
  const arrivals: number[] = [];
  let cachedTokens = 0;
  for await (const data of serverSentEvents(response)) {
    if (data === '[DONE]') continue;
    const { choices, usage } = JSON.parse(data) as Chunk;
    if (!choices) throw new Error(`the stream broke off: ${data}`);
    cachedTokens = usage?.prompt_tokens_details?.cached_tokens ?? cachedTokens;
    // Each token has a chunk, and the end has one more.
    if (choices[0]?.finish_reason !== null) continue;
    arrivals.push(performance.now());
    onToken();
  }
  if (arrivals.length !== tokens) throw new Error(`${arrivals.length} tokens came of ${tokens}`);
  return { sent, arrivals, cachedTokens };
}

async function post(server: URL, body: object): Promise<IncomingMessage> {
  const asking = request(new URL('/v1/completions', server), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // A kept connection may be one that the server is about to close.
    agent: false,
  });
  asking.end(JSON.stringify(body));
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  if (response.statusCode === 200) return response;
  const said = await response.reduce((text, part) => text + part, '');
  throw new Error(`the Worker answered ${response.statusCode}: ${said}`);
}

async function* serverSentEvents(response: IncomingMessage): AsyncGenerator<string, void, undefined> {
  let rest = '';
  for await (const text of response) {
    const events = (rest + text).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) yield event.replace(/^data: /, '');
  }
}

export const firstTokenMilliseconds = ({ sent, arrivals }: Completion): number => (arrivals[0] ?? NaN) - sent;

/** Milliseconds between each token and the next, as the client sees them. */
export function gaps({ arrivals }: Completion): number[] {
  return arrivals.slice(1).map((arrival, i) => arrival - (arrivals[i] as number));
}
