/**
 * @module lm-evaluation-harness against the Worker as it is: its `local-completions` gets the likelihoods of its `hf`
 * model, at f32. Where Python has no `lm_eval`, `test/workerd/lm-eval.test.ts` sends the same requests.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DEFAULT_CHECKPOINT } from '../../model-assets/ensure.ts';
import golden from '../golden/lm-eval.json' with { type: 'json' };
import { DEFAULT_F32 } from '../support/models.ts';
import { startPlainWorkerd } from '../support/plain-workerd.ts';

const PYTHON = process.env.PYTHON ?? 'python3';
const RUN = join(import.meta.dirname, '..', 'lm-eval', 'run.py');
const MAX_DIFFERENCE = 1e-3;

const hasHarness =
  spawnSync(PYTHON, ['-c', 'import importlib.util as u; assert u.find_spec("lm_eval")']).status === 0;

interface Likelihoods {
  readonly metrics: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly samples: Readonly<
    Record<
      string,
      readonly { readonly context: string; readonly logprob: number; readonly is_greedy: boolean }[]
    >
  >;
}

it.skipIf(!hasHarness)(
  'lm-evaluation-harness, which needs Python with lm_eval, gets the likelihoods of its hf model',
  async () => {
    await using server = await startPlainWorkerd(DEFAULT_F32);
    const stdout = execFileSync(PYTHON, [RUN, server.url, '--tokenizer', DEFAULT_CHECKPOINT], {
      encoding: 'utf8',
      env: { ...process.env, OMP_NUM_THREADS: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const { metrics, samples } = JSON.parse(stdout) as Likelihoods;
    for (const [task, requests] of Object.entries(golden.samples)) {
      const found = samples[task] ?? [];
      expect(found.map(({ context }) => context)).toEqual(requests.map(({ context }) => context));
      for (const [i, { logprob, is_greedy }] of requests.entries()) {
        expect(Math.abs((found[i]?.logprob ?? Number.NaN) - logprob)).toBeLessThan(MAX_DIFFERENCE);
        expect(found[i]?.is_greedy).toBe(is_greedy);
      }
      for (const [name, value] of Object.entries(golden.metrics[task as keyof typeof golden.metrics])) {
        expect(Math.abs((metrics[task]?.[name] ?? Number.NaN) / value - 1 || 0)).toBeLessThan(MAX_DIFFERENCE);
      }
    }
  },
  180_000,
);
