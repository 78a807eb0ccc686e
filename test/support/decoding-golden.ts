/** @module Cases of decoding that a script in `test/golden` had Hugging Face transformers do, and how one is compared. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { decodeAll } from '../../decoding/decode.ts';
import type { DecodedSequence } from '../../decoding/interface/events.ts';
import type { DecodingOptions } from '../../decoding/options/options.ts';
import type { Engine } from '../../engine/engine.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { GOLDEN } from './models.ts';

export interface GoldenCase {
  readonly kind: string;
  readonly prompt: readonly number[];
  readonly options: DecodingOptions;
  readonly sequences: readonly DecodedSequence[];
  /** The smallest difference that decided something, or null if nothing had to be decided. */
  readonly margin: number | null;
  /** Rounding may decide it otherwise. */
  readonly tie?: true;
}

/** Relative to a score larger than 1: a negative length penalty multiplies scores, and their rounding with them. */
const TOLERANCE = 1e-4;

/** The cases of a file in `test/golden` that rounding cannot decide. */
export function decidedCases(file: string): GoldenCase[] {
  const { cases } = JSON.parse(readFileSync(join(GOLDEN, file), 'utf8')) as { cases: GoldenCase[] };
  return cases.filter(({ tie }) => !tie);
}

/** Each with what a report should call it. */
export function named(cases: readonly GoldenCase[]): (readonly [string, GoldenCase])[] {
  return cases.map((one, i) => [`${i}: ${describeCase(one)}`, one] as const);
}

/** How many prompts the combination has that has the fewest, and how many combinations there are. */
export function promptsPerCombination(
  cases: readonly GoldenCase[],
  combinationOf: (options: DecodingOptions) => readonly unknown[],
): { combinations: number; fewestPrompts: number } {
  const prompts = new Map<string, Set<string>>();
  for (const { prompt, options } of cases) {
    const combination = combinationOf(options).join();
    prompts.set(combination, (prompts.get(combination) ?? new Set()).add(prompt.join()));
  }
  const counts = [...prompts.values()].map((several) => several.size);
  return { combinations: prompts.size, fewestPrompts: Math.min(...counts) };
}

/** Decodes the case's prompt: the same tokens, ends, scores and log-probabilities, and nothing left in the engine. */
export async function expectSame(engine: Engine, { prompt, options, sequences }: GoldenCase): Promise<void> {
  const result = await decodeAll(engine, prompt, options, {
    tokenizer: Tokenizer.read(engine.tokenizerFile),
  });
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
}

function expectClose(found: readonly (number | null)[], expected: readonly (number | null)[]): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) {
    const got = found[i] ?? null;
    if (value === null || got === null) expect(got).toBe(value);
    else expect(Math.abs(got - value)).toBeLessThanOrEqual(TOLERANCE * Math.max(1, Math.abs(value)));
  }
}

function describeCase({ prompt, options }: GoldenCase): string {
  return `${prompt.length} tokens, ${JSON.stringify(options)}`;
}
