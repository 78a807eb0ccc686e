/** @module So many streams at once: tokens a second of all of them, and how evenly each of them gets its own. */
import { complete, gaps } from './client.ts';
import type { DrawPrompt } from './prompts.ts';
import type { Subject } from './subjects.ts';

export const LEVELS = [1, 2, 4, 8, 16] as const;
/** A round has at least so many requests of each level, one wave of them after the other. */
const LEAST_REQUESTS = 2;
const PROMPT = 16;

export interface Level {
  /** Requests at once. */
  readonly streams: number;
  /** Of all of them together, in each round. */
  readonly tokensPerSecond: number[];
  /** Milliseconds between a token and the next of the same stream, over all streams and rounds. */
  readonly gaps: number[];
}

export async function measureLevels(
  server: URL,
  draw: DrawPrompt,
  { tokens, rounds }: Subject,
): Promise<Level[]> {
  const levels = LEVELS.map((streams): Level => ({ streams, tokensPerSecond: [], gaps: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const level of levels) {
      const waves = Math.max(1, LEAST_REQUESTS / level.streams);
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
 * All at the same moment, each with a prompt of its own.
 * @param tokens of each answer
 */
export function wave(server: URL, draw: DrawPrompt, streams: number, tokens: number) {
  const prompts = Array.from({ length: streams }, () => draw(PROMPT));
  return Promise.all(prompts.map((prompt) => complete(server, { prompt, tokens })));
}
