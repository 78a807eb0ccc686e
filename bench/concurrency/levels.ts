/** @module Concurrent streams: their total tokens a second, and the gaps between the tokens of each. */
import { complete, gaps } from './client.ts';
import type { PromptGenerator } from './prompts.ts';
import type { Subject } from './subjects.ts';

export const LEVELS = [1, 2, 4, 8, 16] as const;
/** Minimum number of requests per level and round, in sequential waves. */
const MIN_REQUESTS = 2;
const PROMPT = 16;

export interface Level {
  /** Concurrent requests. */
  readonly streams: number;
  /** Of all streams together; one figure per round. */
  readonly tokensPerSecond: number[];
  /** Milliseconds between consecutive tokens of a stream, over all streams and rounds. */
  readonly gaps: number[];
}

export async function measureLevels(
  server: URL,
  draw: PromptGenerator,
  { tokens, rounds }: Subject,
): Promise<Level[]> {
  const levels = LEVELS.map((streams): Level => ({ streams, tokensPerSecond: [], gaps: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const level of levels) {
      const waves = Math.max(1, MIN_REQUESTS / level.streams);
      let milliseconds = 0;
      for (let i = 0; i < waves; i++) {
        const begin = performance.now();
        const completions = await wave(server, draw, level.streams, tokens);
        milliseconds += performance.now() - begin;
        level.gaps.push(...completions.flatMap(gaps));
      }
      level.tokensPerSecond.push((waves * level.streams * tokens) / (milliseconds / 1000));
    }
  }
  return levels;
}

/**
 * Sends all requests at the same moment, each with its own prompt.
 * @param tokens the length of each answer
 */
export function wave(server: URL, draw: PromptGenerator, streams: number, tokens: number) {
  const prompts = Array.from({ length: streams }, () => draw(PROMPT));
  return Promise.all(prompts.map((prompt) => complete(server, { prompt, tokens })));
}
