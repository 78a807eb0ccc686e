/**
 * @module Scores of many choices after one prompt: one request to `POST /v1/score`, against a completion with `echo` for
 * each choice, as lm-evaluation-harness sends them. Both run in the real Worker over HTTP, in turn.
 */
import { DEFAULT_CHECKPOINT, DEFAULT_MODEL, ensureModel } from '../model-assets/ensure.ts';
import { promptSource } from './concurrency/prompts.ts';
import { median, milliseconds, table } from './format.ts';
import { INT4_MODEL } from './models.ts';
import { ISOLATE_HEAP_MIB, startServer } from './workerd/server.ts';

const MODELS = [
  { name: 'the default model, 7M', assets: DEFAULT_MODEL },
  { name: 'GPT-2 124M, int4', assets: INT4_MODEL },
] as const;
const PROMPT = 300;
const CHOICES = 100;
/** Tokens of a choice; some choices begin with the same ones. */
const LENGTH = 5;

export interface ScoringTimes {
  readonly model: string;
  /** Milliseconds of each request that scores all choices: of a prompt that is new, and of one that is cached. */
  readonly unseen: readonly number[];
  readonly cached: readonly number[];
  /** Milliseconds of a completion with echo of the prompt and one choice, each. */
  readonly echoes: readonly number[];
  /** The largest difference between the log-likelihoods of both. */
  readonly difference: number;
}

/** @param rounds requests to score; in each, `echoes` of the choices are sent as completions too */
export async function measureScoring(rounds: number, echoes: number): Promise<ScoringTimes[]> {
  await ensureModel({ source: DEFAULT_CHECKPOINT, out: DEFAULT_MODEL, precision: 'int8' });
  const results: ScoringTimes[] = [];
  for (const { name, assets } of MODELS) {
    const server = await startServer('worker/index.ts', assets, ISOLATE_HEAP_MIB);
    try {
      results.push({ model: name, ...(await measureModel(server.url, rounds, echoes)) });
    } finally {
      await server.close();
    }
  }
  return results;
}

async function measureModel(
  server: URL,
  rounds: number,
  echoes: number,
): Promise<Omit<ScoringTimes, 'model'>> {
  const draw = promptSource();
  const times = { unseen: [] as number[], cached: [] as number[], echoes: [] as number[], difference: 0 };
  // The first round warms up: V8 compiles, and its times are dropped.
  for (let round = 0; round <= rounds; round++) {
    const prompt = draw(PROMPT);
    const beginnings = Array.from({ length: 10 }, () => draw(2));
    const choices = Array.from({ length: CHOICES }, (_, i) => [
      ...(beginnings[i % beginnings.length] as number[]),
      ...draw(LENGTH - 2),
    ]);
    const unseen = await timed(() => score(server, prompt, choices));
    const cached = await timed(() => score(server, prompt, choices));
    const echoed: number[] = [];
    for (const [i, choice] of choices.slice(0, echoes).entries()) {
      const { milliseconds, value } = await timed(() => echo(server, prompt, choice));
      echoed.push(milliseconds);
      times.difference = Math.max(times.difference, Math.abs(value - (unseen.value[i] as number)));
    }
    if (round === 0) continue;
    times.unseen.push(unseen.milliseconds);
    times.cached.push(cached.milliseconds);
    times.echoes.push(...echoed);
  }
  return times;
}

async function timed<T>(
  work: () => Promise<T>,
): Promise<{ readonly milliseconds: number; readonly value: T }> {
  const begin = performance.now();
  const value = await work();
  return { milliseconds: performance.now() - begin, value };
}

async function score(
  server: URL,
  prompt: readonly number[],
  choices: readonly (readonly number[])[],
): Promise<number[]> {
  const answer = await post<{ choices: { logprob: number }[] }>(server, '/v1/score', { prompt, choices });
  return answer.choices.map(({ logprob }) => logprob);
}

async function echo(server: URL, prompt: readonly number[], choice: readonly number[]): Promise<number> {
  const body = { prompt: [...prompt, ...choice], max_tokens: 0, echo: true, logprobs: 1, temperature: 0 };
  const answer = await post<{ choices: { logprobs: { token_logprobs: number[] } }[] }>(
    server,
    '/v1/completions',
    body,
  );
  const logprobs = answer.choices[0]?.logprobs.token_logprobs.slice(prompt.length) ?? [];
  return logprobs.reduce((sum, logprob) => sum + logprob, 0);
}

async function post<T>(server: URL, path: string, body: object): Promise<T> {
  const response = await fetch(new URL(path, server), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`the Worker answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

export function reportScoring(results: readonly ScoringTimes[]): string {
  return [
    `${CHOICES} choices of ${LENGTH} tokens after a prompt of ${PROMPT}, in ms: one request to /v1/score, against a ` +
      'completion with echo for each choice.',
    '',
    table(
      ['', 'score', 'score, prompt cached', `${CHOICES} × completion`, 'ratio'],
      results.map(({ model, unseen, cached, echoes }) => {
        const all = CHOICES * median(echoes);
        return [
          model,
          milliseconds(median(unseen)),
          milliseconds(median(cached)),
          milliseconds(all),
          (all / median(unseen)).toFixed(0),
        ];
      }),
    ),
    '',
    `The log-likelihoods differ by at most ${Math.max(...results.map(({ difference }) => difference))}.`,
  ].join('\n');
}
