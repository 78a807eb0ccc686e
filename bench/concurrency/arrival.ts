/** @module What one streaming user feels of long prompts that others send meanwhile, and what these feel of the stream. */
import { EventEmitter, once } from 'node:events';
import { type Completion, complete, firstTokenMilliseconds, gaps } from './client.ts';
import type { DrawPrompt } from './prompts.ts';
import type { Subject } from './subjects.ts';

export const LONG_PROMPT = 400;
const STREAM_PROMPT = 16;
/** Tokens that the stream gets undisturbed before each of the prompts. */
const SPACING = 8;

/** In milliseconds. */
export interface Arrival {
  /** Between the tokens of a stream that has the Worker to itself. */
  readonly alone: number[];
  /** Between those of a stream while a long prompt waits for its first token. */
  readonly beside: number[];
  /** To the first token of a long prompt that has the Worker to itself. */
  readonly promptAlone: number[];
  /** The same beside the stream; of those that were done before it ended. */
  readonly promptBeside: number[];
}

export async function measureArrival(server: URL, draw: DrawPrompt, subject: Subject): Promise<Arrival> {
  const arrival: Arrival = { alone: [], beside: [], promptAlone: [], promptBeside: [] };
  for (let round = 0; round < subject.rounds; round++) {
    const alone = await complete(server, { prompt: draw(STREAM_PROMPT), tokens: subject.streamTokens });
    arrival.alone.push(...gaps(alone));
    arrival.promptAlone.push(firstTokenMilliseconds(await longPrompt(server, draw)));
    const { stream, prompts } = await streamBesidePrompts(server, draw, subject);
    arrival.beside.push(...gapsDuring(stream, prompts));
    const end = stream.arrivals.at(-1) ?? NaN;
    const done = prompts.filter(({ arrivals: [first = NaN] }) => first < end);
    arrival.promptBeside.push(...done.map(firstTokenMilliseconds));
  }
  return arrival;
}

export function longPrompt(server: URL, draw: DrawPrompt): Promise<Completion> {
  return complete(server, { prompt: draw(LONG_PROMPT), tokens: 1 });
}

/** A stream, and long prompts one after the other as long as it goes on. */
async function streamBesidePrompts(
  server: URL,
  draw: DrawPrompt,
  { streamTokens, longPrompts }: Subject,
): Promise<{ stream: Completion; prompts: Completion[] }> {
  const tokens = new EventEmitter();
  let left = streamTokens;
  const streaming = complete(server, { prompt: draw(STREAM_PROMPT), tokens: streamTokens }, () => {
    left--;
    tokens.emit('one');
  });
  const prompting = async () => {
    const prompts: Completion[] = [];
    while (left > SPACING && prompts.length < longPrompts) {
      for (const then = left - SPACING; left > then; ) await once(tokens, 'one');
      prompts.push(await longPrompt(server, draw));
    }
    return prompts;
  };
  const [stream, prompts] = await Promise.all([streaming, prompting()]);
  return { stream, prompts };
}

/** Milliseconds between two tokens of the stream, of those during which a prompt waited for its first token. */
export function gapsDuring(stream: Completion, prompts: readonly Completion[]): number[] {
  return gaps(stream).filter((_, i) => {
    const [begin, end] = stream.arrivals.slice(i, i + 2) as [number, number];
    return prompts.some(({ sent, arrivals: [first = NaN] }) => sent < end && begin < first);
  });
}
