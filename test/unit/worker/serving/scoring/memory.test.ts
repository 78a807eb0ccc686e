/**
 * @module The estimate of what scoring holds in JavaScript against V8's own figures, over random requests: never below
 * what is held, and not much more.
 */
import { beforeAll, expect, it } from 'vitest';
import type { Tokenizer } from '../../../../../tokenizer/tokenizer.ts';
import { Catalogues } from '../../../../../worker/isolate/catalogues.ts';
import { Constraints } from '../../../../../worker/isolate/constraints.ts';
import { startPerplexity, type WindowEvent } from '../../../../../worker/serving/scoring/perplexity.ts';
import type { ScoreRequest } from '../../../../../worker/serving/scoring/request.ts';
import { score } from '../../../../../worker/serving/scoring/score.ts';
import { loadTokenizer } from '../../../../golden/tokenizer-golden.ts';
import { Draw } from '../../../../support/draw.ts';
import type { RowMemory } from '../../../../support/lending-model.ts';
import {
  forgetRows,
  liveBytes,
  MEASURED_VOCABULARY,
  measuredRows,
  measuredTwice,
  measuringEngine,
} from '../../../../support/measured-memory.ts';

let tokenizer: Tokenizer;
let rowMemory: RowMemory;
beforeAll(async () => {
  tokenizer = await loadTokenizer('default');
  rowMemory = await measuredRows();
});

const random = new Draw(18);
const RUN = { limits: { length: 1, milliseconds: 1 }, signal: new AbortController().signal };
const ids = (length: number) => Array.from({ length }, () => random.integer(0, MEASURED_VOCABULARY - 2));

/** Measures work on a request that is made within the measured span, as a parsed body is. */
async function measuredOnce(
  every: number,
  work: (
    model: Parameters<typeof score>[0],
  ) => Promise<{ held: { bytes: number; close(): void }; answer: unknown }>,
) {
  const { engine, peak } = measuringEngine(every, rowMemory);
  const model = {
    ...{ engine, tokenizer, defaults: {} },
    constraints: new Constraints(tokenizer, engine.memory),
    catalogues: new Catalogues(engine),
  };
  let estimate = 0;
  const reserve = engine.memory.reserve.bind(engine.memory);
  engine.memory.reserve = (bytes) => {
    estimate += bytes;
    return reserve(bytes);
  };
  forgetRows();
  const before = liveBytes();
  const { held, answer } = await work(model);
  const real = Math.max(liveBytes(), peak.bytes) - before;
  held.close();
  // The answer lives until here.
  expect(answer).toBeDefined();
  expect(engine.memory.reserved).toBe(0);
  return { estimate, real };
}

const measured = (...given: Parameters<typeof measuredOnce>) => measuredTwice(() => measuredOnce(...given));

function randomScores(): ScoreRequest {
  const length = random.pick([2, 4, 8]);
  const choices = Array.from({ length: random.integer(100, 900 / length) }, () =>
    random.chance(0.5)
      ? ids(random.integer(1, length))
      : ` ${tokenizer.decode(ids(random.integer(1, length)))}`,
  );
  return {
    prompt: random.chance(0.5) ? ids(200) : tokenizer.decode(ids(60)),
    choices,
    normalization: random.pick(['none', 'pmi']),
    tokens: random.chance(0.5),
    cachePrompt: true,
  };
}

it('is never less than scores of choices hold, and not much more', async () => {
  const draw = async () => {
    const request = randomScores();
    return measured(5, (model) => score(model, structuredClone(request), RUN));
  };
  // Loads code and fills caches.
  await draw();
  const totals = { estimate: 0, real: 0 };
  for (let i = 0; i < 4; i++) {
    const { estimate, real, most } = await draw();
    expect(estimate).toBeGreaterThanOrEqual(real);
    totals.estimate += estimate;
    // Less than nothing where V8 has dropped what is not the request's.
    totals.real += Math.max(0, most);
  }
  expect(totals.estimate).toBeLessThanOrEqual(4 * totals.real);
}, 120_000);

it.each([true, false])(
  'is never less than a perplexity holds, each token: %s',
  async (tokens) => {
    const text = ids(1000);
    const draw = () =>
      measured(7, async (model) => {
        const request = { text: structuredClone(text), window: 256, tokens };
        const { events, held } = await startPerplexity(model, request, RUN, true);
        const answer: WindowEvent[] = [];
        for await (const event of events) answer.push(event);
        return { held, answer };
      });
    await draw();
    const { estimate, real, most } = await draw();
    expect(estimate).toBeGreaterThanOrEqual(real);
    // Of a text so short, a fixed part for the request is most of the estimate.
    expect(estimate - 64_000).toBeLessThanOrEqual(4 * most);
  },
  120_000,
);
