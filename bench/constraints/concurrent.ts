/**
 * @module Eight requests with eight different schemas at the same time, and eight without: the real Worker in workerd
 * over real HTTP, with GPT-2 124M at int4.
 */
import { type Completion, complete, firstTokenMilliseconds, gaps } from '../concurrency/client.ts';
import { promptSource } from '../concurrency/prompts.ts';
import { INT4_MODEL } from '../models.ts';
import { ISOLATE_HEAP_MIB, startServer } from '../workerd/server.ts';
import { SCHEMAS } from './schemas.ts';

/** Of all streams of all rounds. */
export interface ConcurrentAnswers {
  /** Of all streams together; one figure per round. */
  readonly tokensPerSecond: number[];
  /** Milliseconds between consecutive tokens of a stream. */
  readonly gaps: number[];
  /** Milliseconds to the first token: compilation, and the masks of an empty cache, are in those of the first round. */
  readonly firstTokens: number[];
}

export interface ConcurrentSchemas {
  readonly schemas: number;
  readonly without: ConcurrentAnswers;
  readonly constrained: ConcurrentAnswers;
}

export interface ConcurrentPlan {
  readonly rounds: number;
  /** The longest answer. At int4 the requests share some 800 slots. */
  readonly tokens: number;
}

const PROMPT = 16;

export async function measureConcurrentSchemas({
  rounds,
  tokens,
}: ConcurrentPlan): Promise<ConcurrentSchemas> {
  const server = await startServer('worker/index.ts', INT4_MODEL, ISOLATE_HEAP_MIB);
  const answers = (): ConcurrentAnswers => ({ tokensPerSecond: [], gaps: [], firstTokens: [] });
  const results = { schemas: SCHEMAS.length, without: answers(), constrained: answers() };
  try {
    const draw = promptSource();
    // The load of the model, and V8's optimization.
    await Promise.all(SCHEMAS.map(() => complete(server.url, { prompt: draw(PROMPT), tokens })));
    for (let round = 0; round < rounds; round++) {
      const constrained = await timed(
        results.constrained,
        SCHEMAS.map((schema) => complete(server.url, { prompt: draw(PROMPT), tokens, schema })),
      );
      // As many tokens each.
      await timed(
        results.without,
        constrained.map(({ arrivals }) =>
          complete(server.url, { prompt: draw(PROMPT), tokens: arrivals.length }),
        ),
      );
    }
    return results;
  } finally {
    await server.close();
  }
}

/** @param requests that have been sent at the same moment */
async function timed(
  answers: ConcurrentAnswers,
  requests: readonly Promise<Completion>[],
): Promise<Completion[]> {
  const begin = performance.now();
  const completions = await Promise.all(requests);
  const seconds = (performance.now() - begin) / 1000;
  const tokens = completions.reduce((sum, { arrivals }) => sum + arrivals.length, 0);
  answers.tokensPerSecond.push(tokens / seconds);
  answers.gaps.push(...completions.flatMap(gaps));
  answers.firstTokens.push(...completions.map(firstTokenMilliseconds));
  return completions;
}
