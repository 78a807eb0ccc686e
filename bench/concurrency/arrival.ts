/**
 * @module Interference between a stream and long prompts: token gaps of the one, time to first token of the
 * other.
 */
import { EventEmitter, once } from 'node:events';
import { type Completion, complete, firstTokenMilliseconds, gaps } from './client.ts';
import type { PromptGenerator } from './prompts.ts';
import type { Subject } from './subjects.ts';

export const LONG_PROMPT = 400;
const STREAM_PROMPT = 16;
/** Undisturbed tokens of the stream before each prompt. */
const SPACING = 8;

/** In milliseconds. */
export interface Arrival {
  /** Gaps between tokens of a stream without other requests. */
  readonly alone: number[];
  /** Gaps between tokens of a stream while a long prompt waits for its first token. */
  readonly beside: number[];
  /** Time to the first token of a long prompt without other requests. */
  readonly promptAlone: number[];
  /** The same beside the stream, for prompts that finished before it ended. */
  readonly promptBeside: number[];
}

export async function measureArrival(server: URL, draw: PromptGenerator, subject: Subject): Promise<Arrival> {
  const arrival: Arrival = { alone: [], beside: [], promptAlone: [], promptBeside: [] };
  for (let round = 0; round < subject.rounds; round++) {
    const alone = await complete(server, { prompt: draw(STREAM_PROMPT), tokens: subject.streamTokens });
    arrival.alone.push(...gaps(alone));
    arrival.promptAlone.push(firstTokenMilliseconds(await longPrompt(server, draw)));
    const { stream, prompts } = await streamBesidePrompts(server, draw, subject);
    arrival.beside.push(...gapsDuring(stream, prompts));
    const end = stream.arrivals.at(-1) ?? NaN;
    const finished = prompts.filter(({ arrivals: [first = NaN] }) => first < end);
    arrival.promptBeside.push(...finished.map(firstTokenMilliseconds));
  }
  return arrival;
}

export function longPrompt(server: URL, draw: PromptGenerator): Promise<Completion> {
  return complete(server, { prompt: draw(LONG_PROMPT), tokens: 1 });
}

/** Runs a stream, and sequential long prompts until it ends. */
async function streamBesidePrompts(
  server: URL,
  draw: PromptGenerator,
  { streamTokens, longPrompts }: Subject,
): Promise<{ stream: Completion; prompts: Completion[] }> {
  const tokens = new EventEmitter();
  let remaining = streamTokens;
  const streaming = complete(server, { prompt: draw(STREAM_PROMPT), tokens: streamTokens }, () => {
    remaining--;
    tokens.emit('token');
  });
  const prompting = async () => {
    const prompts: Completion[] = [];
    while (remaining > SPACING && prompts.length < longPrompts) {
      const target = remaining - SPACING;
      while (remaining > target) await once(tokens, 'token');
      prompts.push(await longPrompt(server, draw));
    }
    return prompts;
  };
  const [stream, prompts] = await Promise.all([streaming, prompting()]);
  return { stream, prompts };
}

/** The stream's token gaps, in milliseconds, during which a prompt waited for its first token. */
export function gapsDuring(stream: Completion, prompts: readonly Completion[]): number[] {
  return gaps(stream).filter((_, i) => {
    const [begin, end] = stream.arrivals.slice(i, i + 2) as [number, number];
    return prompts.some(({ sent, arrivals: [first = NaN] }) => sent < end && begin < first);
  });
}
