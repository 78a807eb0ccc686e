/** @module f32 assets against Hugging Face transformers in float32: `test/golden/make-logits-golden.py`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAll } from '../../../../decoding/decode.ts';
import { argmax } from '../../../../decoding/math/sample-token.ts';
import type { Engine } from '../../../../engine/engine.ts';
import { loadEngine } from '../../../../engine/node/load-engine.ts';
import { DEFAULT_F32, GOLDEN, ODD_F32 } from '../../../support/models.ts';
import { largestDifference, sequenceLogits } from '../../../support/rows.ts';

interface GoldenCase {
  readonly ids: readonly number[];
  /** Logits after the last token: float32, base64. */
  readonly last_row: string;
  /** `top5` has the five largest logits of every `row_step`th row. */
  readonly row_step: number;
  readonly top5: readonly (readonly [id: number, logit: number][])[];
  readonly greedy: readonly number[];
  readonly smallest_margin: number | null;
}

const MAX_DIFFERENCE = 1e-3;

describe.each([
  { name: 'the default checkpoint', model: DEFAULT_F32, golden: 'logits-default.json' },
  { name: 'a checkpoint with odd dimensions', model: ODD_F32, golden: 'logits-odd.json' },
])('$name in f32', ({ model, golden }) => {
  const { cases } = JSON.parse(readFileSync(join(GOLDEN, golden), 'utf8')) as { cases: GoldenCase[] };
  const labelled = cases.map((testCase, i) => ({
    ...testCase,
    label: `prompt ${i} of ${testCase.ids.length} tokens`,
  }));
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadEngine(model);
  });
  afterAll(() => engine.release());

  it('has at least 20 prompts, from one token to the whole context', () => {
    expect(cases.length).toBeGreaterThanOrEqual(20);
    const lengths = cases.map(({ ids }) => ids.length);
    expect(Math.min(...lengths)).toBe(1);
    expect(Math.max(...lengths)).toBe(engine.contextLength);
  });

  it.each(labelled)('gives the reference logits after $label', async ({ ids, last_row, row_step, top5 }) => {
    const rows = await sequenceLogits(engine, ids);
    const expected = new Float32Array(new Uint8Array(Buffer.from(last_row, 'base64')).buffer);
    expect(largestDifference(expected, rows.at(-1) as Float32Array)).toBeLessThanOrEqual(MAX_DIFFERENCE);
    top5.forEach((top, i) => {
      const row = rows[i * row_step] as Float32Array;
      for (const [id, logit] of top) expect(Math.abs((row[id] as number) - logit)).toBeLessThanOrEqual(1e-3);
      expect(row[argmax(row)]).toBeCloseTo(top[0]?.[1] ?? Number.NaN, 2);
    });
  });

  it.each(labelled.filter(({ greedy }) => greedy.length > 0))(
    'continues $label like the reference',
    async ({ ids, greedy }) => {
      const options = { max_new_tokens: greedy.length, ignore_eos: true };
      const { sequences } = await decodeAll(engine, ids, options);
      expect(sequences[0]?.tokens).toEqual(greedy);
    },
  );
});
