/** @module Scores and perplexities at f32 against transformers: `test/golden/make-scores-golden.py`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../../engine/engine.ts';
import { loadEngine } from '../../../../../engine/node/load-engine.ts';
import type { ServedModel } from '../../../../../worker/isolate/served-model.ts';
import { startPerplexity, type WindowEvent } from '../../../../../worker/serving/scoring/perplexity.ts';
import { score } from '../../../../../worker/serving/scoring/score.ts';
import { servedModel } from '../../../../support/generations.ts';
import { DEFAULT_F32, GOLDEN } from '../../../../support/models.ts';

interface GoldenScores {
  readonly scores: readonly {
    readonly prompt: string;
    readonly choices: readonly {
      readonly choice: string;
      readonly ids: readonly number[];
      readonly tokens: readonly {
        readonly logprob: number;
        readonly rank: number;
        readonly entropy: number;
      }[];
    }[];
  }[];
  readonly text: string;
  readonly perplexities: readonly {
    readonly window: number;
    readonly stride: number;
    readonly logprob: number;
    readonly token_count: number;
    readonly guide: number;
  }[];
}

const golden = JSON.parse(readFileSync(join(GOLDEN, 'scores.json'), 'utf8')) as GoldenScores;
const RUN = { limits: { length: 1, milliseconds: 1000 }, signal: new AbortController().signal };
/** Of a sum of log-probabilities. */
const MAX_DIFFERENCE = 1e-3;

let engine: Engine;
let model: ServedModel;
beforeAll(async () => {
  engine = await loadEngine(DEFAULT_F32);
  model = servedModel(engine);
});
afterAll(() => {
  expect(engine.status).toMatchObject({ requests: 0, javaScript: { reserved: 0 } });
  engine.release();
});

describe('scores of transformers', () => {
  it.each(golden.scores)('after $prompt', async ({ prompt, choices }) => {
    const request = {
      prompt,
      choices: choices.map(({ choice }) => choice),
      normalization: 'none',
      tokens: true,
      cachePrompt: true,
    } as const;
    const { answer, held } = await score(model, request, RUN);
    const scored = [...answer.choices()];
    held.close();
    for (const [i, { ids, tokens }] of choices.entries()) {
      const choice = scored[i];
      expect(Array.from(choice?.tokens() ?? [], ({ id }) => id)).toEqual(ids);
      const sum = tokens.reduce((sum, { logprob }) => sum + logprob, 0);
      expect(Math.abs((choice?.logprob ?? Number.NaN) - sum)).toBeLessThan(MAX_DIFFERENCE);
      expect(choice?.isGreedy).toBe(tokens.every(({ rank }) => rank === 1));
      for (const [j, { logprob, rank, entropy }] of Array.from(choice?.tokens() ?? []).entries()) {
        expect(Math.abs(logprob - (tokens[j]?.logprob ?? Number.NaN))).toBeLessThan(MAX_DIFFERENCE);
        expect(Math.abs(entropy - (tokens[j]?.entropy ?? Number.NaN))).toBeLessThan(MAX_DIFFERENCE);
        // Neighbours whose logits differ by less than both computations do may change places.
        expect(Math.abs(rank - (tokens[j]?.rank ?? Number.NaN))).toBeLessThanOrEqual(rank / 500);
      }
    }
  });
});

describe('perplexities of transformers', () => {
  it.each(golden.perplexities)(
    'with windows of $window, $stride apart',
    async ({ window, stride, logprob, token_count, guide }) => {
      const request = { text: golden.text, window, stride, tokens: false };
      const running = await startPerplexity(model, request, RUN, true);
      let last: WindowEvent | undefined;
      for await (const event of running.events) last = event;
      running.held.close();
      expect(last?.tokenCount).toBe(token_count);
      expect(Math.abs((last?.logprob ?? Number.NaN) - logprob)).toBeLessThan(MAX_DIFFERENCE * 10);
      expect(last?.window).toBe(running.windowCount);
      // The guide weighs tokens of later windows a little less.
      const perplexity = Math.exp(-(last?.logprob ?? Number.NaN) / token_count);
      expect(Math.abs(perplexity / guide - 1)).toBeLessThan(0.02);
    },
  );
});
