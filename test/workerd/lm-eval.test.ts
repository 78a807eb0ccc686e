/**
 * @module The requests of lm-evaluation-harness's `local-completions`, at f32, against the likelihoods of its `hf` model:
 * `test/golden/make-lm-eval-golden.py`. `test/e2e/lm-eval.test.ts` runs the harness itself.
 */
import { expect, it } from 'vitest';
import type { z } from 'zod';
import type { completionResponse } from '../../worker/contracts/openai/responses.ts';
import { scoreResponse } from '../../worker/contracts/score/responses.ts';
import golden from '../golden/lm-eval.json' with { type: 'json' };
import { assetsOfModel, post, postTo, startApp } from './client.ts';

const app = startApp({ ASSETS: assetsOfModel('default-f32') });
const MAX_DIFFERENCE = 1e-3;
const BATCH = 8;
/** Of each task, at this route; the other route takes all of them. */
const MOST = 16;
const tasks = Object.entries(golden.samples);

it.each(tasks)('%s has the likelihoods of the harness', async (_, samples) => {
  for (let begin = 0; begin < Math.min(samples.length, MOST); begin += BATCH) {
    const batch = samples.slice(begin, begin + BATCH);
    // As `LocalCompletionsAPI._create_payload` in lm_eval/models/openai_completions.py.
    const response = await post(app, {
      prompt: batch.map(({ context_ids, continuation_ids }) => [...context_ids, ...continuation_ids]),
      model: 'default',
      max_tokens: 1,
      temperature: 0,
      logprobs: 1,
      seed: 1234,
      echo: true,
    });
    const { choices } = await response.json<z.output<typeof completionResponse>>();
    for (const [i, { context_ids, logprob, is_greedy }] of batch.entries()) {
      // As `parse_logprobs` there.
      const { token_logprobs, tokens, top_logprobs } = choices[i]?.logprobs ?? {
        token_logprobs: [],
        tokens: [],
        top_logprobs: [],
      };
      const own = token_logprobs.slice(context_ids.length, -1);
      const sum = own.reduce<number>((sum, value) => sum + (value ?? Number.NaN), 0);
      expect(Math.abs(sum - logprob)).toBeLessThan(MAX_DIFFERENCE);
      const greedy = top_logprobs.slice(context_ids.length, -1).every((top, j) => {
        const [likeliest] = Object.entries(top ?? {}).sort(([, a], [, b]) => b - a);
        return likeliest?.[0] === tokens[context_ids.length + j];
      });
      expect(greedy).toBe(is_greedy);
    }
  }
});

it.each(tasks)('%s has the same likelihoods at /v1/score', async (_, samples) => {
  const byContext = Map.groupBy(samples, ({ context }) => context);
  for (const [prompt, group] of byContext) {
    const choices = group.map(({ continuation }) => continuation);
    const response = await postTo(app, '/v1/score', { prompt, choices });
    const answer = scoreResponse.parse(await response.json());
    for (const [i, { logprob, is_greedy }] of group.entries()) {
      expect(Math.abs((answer.choices[i]?.logprob ?? Number.NaN) - logprob)).toBeLessThan(MAX_DIFFERENCE);
      expect(answer.choices[i]?.is_greedy).toBe(is_greedy);
    }
  }
});
