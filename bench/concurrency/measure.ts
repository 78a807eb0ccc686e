/** @module Concurrent requests: the real Worker in workerd over real HTTP, one model after the other. */
import { DEFAULT_CHECKPOINT, DEFAULT_MODEL, ensureModel } from '../../model-assets/ensure.ts';
import { startServer } from '../workerd/server.ts';
import { type Arrival, longPrompt, measureArrival } from './arrival.ts';
import { LEVELS, type Level, measureLevels, wave } from './levels.ts';
import { measurePrefix, type PrefixReuse } from './prefix.ts';
import { promptSource } from './prompts.ts';
import { quick, SUBJECTS, type Subject } from './subjects.ts';

export interface Concurrency {
  readonly model: string;
  readonly levels: readonly Level[];
  readonly arrival: Arrival;
  readonly prefix: PrefixReuse;
}

/** @param isQuick few calls: checks that it works; the figures are not reliable */
export async function measureConcurrency(isQuick: boolean): Promise<Concurrency[]> {
  await ensureModel({ source: DEFAULT_CHECKPOINT, out: DEFAULT_MODEL, precision: 'int8' });
  const results: Concurrency[] = [];
  for (const subject of SUBJECTS) results.push(await measureSubject(isQuick ? quick(subject) : subject));
  return results;
}

async function measureSubject(subject: Subject): Promise<Concurrency> {
  const { name, assets, heapMib, tokens } = subject;
  const server = await startServer('worker/index.ts', assets, heapMib);
  try {
    const draw = promptSource();
    // Warm-up: some dozens of passes with the fewest and with the most rows, for V8 to optimize.
    await wave(server.url, draw, LEVELS[0], tokens);
    await wave(server.url, draw, Math.max(...LEVELS), tokens);
    await longPrompt(server.url, draw);
    return {
      model: name,
      levels: await measureLevels(server.url, draw, subject),
      arrival: await measureArrival(server.url, draw, subject),
      prefix: await measurePrefix(server.url, draw, subject),
    };
  } finally {
    await server.close();
  }
}
