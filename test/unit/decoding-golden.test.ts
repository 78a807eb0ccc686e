/** @module Decoding with f32 assets against Hugging Face `generate()`: `test/golden/make-decoding-golden.py`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAll } from '../../decoding/decode.ts';
import type { DecodedSequence } from '../../decoding/events.ts';
import type { DecodingOptions } from '../../decoding/options.ts';
import { loadEngine } from '../../model-assets/node/engine.ts';
import type { Engine } from '../../worker/engine/engine.ts';
import { DEFAULT_F32, GOLDEN } from '../support/models.ts';

interface GoldenCase {
  readonly kind: string;
  readonly prompt: readonly number[];
  readonly options: DecodingOptions;
  readonly sequences: readonly DecodedSequence[];
  /** The smallest difference that decided something. */
  readonly margin: number;
  /** Rounding may decide it otherwise. */
  readonly tie?: true;
}

/** Relative to a score larger than 1: a negative length penalty multiplies scores, and their rounding with them. */
const TOLERANCE = 1e-4;

const { cases } = JSON.parse(readFileSync(join(GOLDEN, 'decoding.json'), 'utf8')) as { cases: GoldenCase[] };
const kinds = Map.groupBy(cases, ({ kind }) => kind);

function expectClose(found: readonly (number | null)[], expected: readonly (number | null)[]): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) {
    const got = found[i] ?? null;
    if (value === null || got === null) expect(got).toBe(value);
    else expect(Math.abs(got - value)).toBeLessThanOrEqual(TOLERANCE * Math.max(1, Math.abs(value)));
  }
}

describe('decoding with the default checkpoint in f32', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadEngine(DEFAULT_F32);
  });
  afterAll(() => engine.release());

  it('has enough cases, and of beam search every combination after three prompts', () => {
    expect(cases.filter(({ tie }) => !tie).length).toBeGreaterThanOrEqual(400);
    const prompts = new Map<string, Set<string>>();
    for (const { prompt, options } of kinds.get('beams') ?? []) {
      const combination = [options.num_beams, options.length_penalty, options.early_stopping].join();
      prompts.set(combination, (prompts.get(combination) ?? new Set()).add(prompt.join()));
    }
    expect(prompts.size).toBe(75);
    expect(Math.min(...[...prompts.values()].map((several) => several.size))).toBeGreaterThanOrEqual(3);
  });

  describe.each([...kinds])('does as the reference: %s', (_, of) => {
    const decided = of.filter(({ tie }) => !tie);
    const named = decided.map((one, i) => [`${i}: ${describeCase(one)}`, one] as const);
    it.each(named)('%s', async (_, { prompt, options, sequences }) => {
      const result = await decodeAll(engine, prompt, options, { tokenizer: engine.tokenizer });
      const shape = ({ tokens, finish_reason }: DecodedSequence) => ({ tokens: [...tokens], finish_reason });
      expect(result.sequences.map(shape)).toEqual(sequences.map(shape));
      expectClose(
        result.sequences.map(({ score }) => score),
        sequences.map(({ score }) => score),
      );
      for (const [i, { token_logprobs }] of sequences.entries()) {
        expectClose(result.sequences[i]?.token_logprobs ?? [], token_logprobs);
      }
      expect(engine.status).toMatchObject({ slots: { reserved: 0, taken: 0 }, requests: 0 });
    });
  });
});

function describeCase({ prompt, options }: GoldenCase): string {
  return `${prompt.length} tokens, ${JSON.stringify(options)}`;
}
