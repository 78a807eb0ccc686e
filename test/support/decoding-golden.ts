/**
 * @module Golden decoding cases, which a script in `test/golden` generated with Hugging Face transformers.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Vocabulary } from '../../decoding/constraints/automaton/vocabulary.ts';
import { compileConstraint } from '../../decoding/constraints/compile.ts';
import type { ConstraintSource } from '../../decoding/constraints/source.ts';
import { type DecodingContext, decodeAll } from '../../decoding/decode.ts';
import type { DecodedSequence } from '../../decoding/interface/events.ts';
import type { DecodingOptions } from '../../decoding/options/options.ts';
import type { Engine } from '../../engine/engine.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { GOLDEN } from './models.ts';

export interface GoldenCase {
  readonly kind: string;
  readonly prompt: readonly number[];
  readonly options: DecodingOptions;
  readonly constraint?: ConstraintSource;
  readonly sequences: readonly DecodedSequence[];
  /** The smallest score difference that a choice depended on; null if there was no choice. */
  readonly margin: number | null;
  /** Set if rounding may change a choice. */
  readonly tie?: true;
}

/**
 * Relative for scores above 1: a negative length penalty multiplies scores, and their rounding errors with
 * them.
 */
const TOLERANCE = 1e-4;

/** The cases of a file in `test/golden` whose outcome does not depend on rounding. */
export function decidedCases(file: string): GoldenCase[] {
  const { cases } = JSON.parse(readFileSync(join(GOLDEN, file), 'utf8')) as { cases: GoldenCase[] };
  return cases.filter(({ tie }) => !tie);
}

/** Pairs each case with its test title. */
export function withTitles(cases: readonly GoldenCase[]): (readonly [string, GoldenCase])[] {
  return cases.map((goldenCase, i) => [`${i}: ${describeCase(goldenCase)}`, goldenCase] as const);
}

/** The number of option combinations, and the smallest number of prompts of any combination. */
export function promptsPerCombination(
  cases: readonly GoldenCase[],
  combinationOf: (options: DecodingOptions) => readonly unknown[],
): { combinations: number; fewestPrompts: number } {
  const prompts = new Map<string, Set<string>>();
  for (const { prompt, options } of cases) {
    const combination = combinationOf(options).join();
    prompts.set(combination, (prompts.get(combination) ?? new Set()).add(prompt.join()));
  }
  const counts = [...prompts.values()].map((distinct) => distinct.size);
  return { combinations: prompts.size, fewestPrompts: Math.min(...counts) };
}

/**
 * Expects the tokens, finish reasons, scores and log-probabilities of the case, and no nodes left in the
 * engine.
 */
export async function expectSame(
  engine: Engine,
  { prompt, options, constraint, sequences }: GoldenCase,
): Promise<void> {
  const result = await decodeAll(engine, prompt, options, contextOf(engine, constraint));
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

function expectClose(actual: readonly (number | null)[], expected: readonly (number | null)[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) {
    const found = actual[i] ?? null;
    if (value === null || found === null) expect(found).toBe(value);
    else expect(Math.abs(found - value)).toBeLessThanOrEqual(TOLERANCE * Math.max(1, Math.abs(value)));
  }
}

function describeCase({ prompt, options, constraint }: GoldenCase): string {
  const given = `${prompt.length} tokens, ${JSON.stringify(options)}`;
  return constraint ? `${given}, ${JSON.stringify(constraint)}` : given;
}

/** The tokenizer of the engine, and a constraint over its tokens. */
export function contextOf(engine: Engine, source: ConstraintSource | undefined): DecodingContext {
  const tokenizer = tokenizerOf(engine);
  if (!source) return { tokenizer };
  const { offsets, tokenBytes, sorted } = tokenizer.trie;
  const vocabulary = new Vocabulary({ offsets, bytes: tokenBytes }, sorted);
  return { tokenizer, constraint: compileConstraint(source, vocabulary) };
}

const tokenizers = new WeakMap<Engine, Tokenizer>();

/** One tokenizer for all cases of an engine: reading it takes as long as a case. */
function tokenizerOf(engine: Engine): Tokenizer {
  const tokenizer = tokenizers.get(engine) ?? Tokenizer.read(engine.tokenizerFile);
  tokenizers.set(engine, tokenizer);
  return tokenizer;
}
