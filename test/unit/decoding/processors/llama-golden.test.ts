/** @module DRY and XTC with f32 assets against llama.cpp (`test/golden/make-llama-golden.ts`). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAll } from '../../../../decoding/decode.ts';
import { LEAST_TEMPERATURE } from '../../../../decoding/options/entries.ts';
import { type DecodingOptions, resolveOptions } from '../../../../decoding/options/options.ts';
import { processorsOf } from '../../../../decoding/options/processors.ts';
import type { Engine } from '../../../../engine/engine.ts';
import { loadEngine } from '../../../../engine/node/load-engine.ts';
import { contextOf } from '../../../support/decoding-golden.ts';
import { type LlamaCase, llamaCases } from '../../../support/llama-golden.ts';
import { DEFAULT_F32 } from '../../../support/models.ts';

/** Some texts ended where rounding may change a choice. */
const LEAST_TOKENS = 300;
/** llama.cpp has GELU from a table of 16-bit floats. */
const TOLERANCE = 2e-3;

const titled = (cases: readonly LlamaCase[]) =>
  cases.map((one, i) => [`${i}: ${one.prompt.length} tokens, ${JSON.stringify(one.options)}`, one] as const);

describe('DRY and XTC with the default checkpoint in f32', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadEngine(DEFAULT_F32);
  });
  afterAll(() => engine.release());

  async function continued({ prompt, tokens, options }: LlamaCase, more: DecodingOptions = {}) {
    const { sequences } = await decodeAll(
      engine,
      prompt,
      { ...options, ...more, max_new_tokens: tokens.length },
      contextOf(engine, undefined),
    );
    return sequences.map((sequence) => [...sequence.tokens]);
  }

  it('has enough tokens of each kind', () => {
    for (const kind of ['greedy', 'excluded'] as const) {
      expect(llamaCases(kind).flatMap(({ tokens }) => tokens).length).toBeGreaterThan(LEAST_TOKENS);
    }
  });

  it.each(titled(llamaCases('greedy')))(
    'greedy search with DRY has the tokens of llama.cpp: %s',
    async (_, one) => {
      expect(await continued(one)).toEqual([one.tokens]);
    },
  );

  it.each(titled(llamaCases('excluded')))('XTC leaves the same likeliest tokens: %s', async (_, one) => {
    const likeliest = { do_sample: true, temperature: LEAST_TEMPERATURE };
    expect(await continued(one, likeliest)).toEqual([one.tokens]);
  });

  it.each(titled(llamaCases('sampled')))('samples from the same distribution: %s', async (_, one) => {
    const { prompt, tokens, distributions = [] } = one;
    const { options } = resolveOptions({ ...one.options, do_sample: true });
    const limits = { promptLength: prompt.length, eosTokenIds: [], maxLength: engine.contextLength };
    const { tokenizer } = contextOf(engine, undefined);
    const processors = processorsOf(options, limits, undefined, tokenizer);
    const path = Int32Array.from([...prompt, ...tokens]);
    const rows = await rowsAfter(engine, path);
    for (const [i, distribution] of distributions.entries()) {
      const length = prompt.length + i;
      const scores = rows[length - 1] as Float32Array;
      for (const process of processors) process(scores, { tokens: path, length }, { random: () => 0 });
      const weights = Array.from(scores, (score, id) => [id, Math.exp(score)] as const).filter(
        ([, w]) => w > 0,
      );
      const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
      const shares = new Map(weights.map(([id, weight]) => [id, weight / total]));
      expect([...shares.keys()].sort()).toEqual(distribution.map(([id]) => id).sort());
      for (const [id, share] of distribution) {
        expect(Math.abs((shares.get(id) ?? 0) - share)).toBeLessThan(TOLERANCE);
      }
    }
  });
});

/** The logits after each token of a text. */
async function rowsAfter(engine: Engine, path: Int32Array): Promise<Float32Array[]> {
  const tree = engine.open(path.length);
  try {
    let node: ReturnType<typeof tree.append> | null = null;
    const evaluations = Array.from(path, (token) => {
      node = tree.append(node, token);
      return { node, logits: new Float32Array(engine.vocabSize) };
    });
    await tree.evaluate(evaluations);
    return evaluations.map(({ logits }) => logits);
  } finally {
    tree.close();
  }
}
