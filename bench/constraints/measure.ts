/** @module Compiles schemas, and feeds their instances token by token through the masks. */
import { Automaton } from '../../decoding/constraints/automaton/automaton.ts';
import { Constraint } from '../../decoding/constraints/automaton/constraint.ts';
import { CompileBudget, ConstraintError } from '../../decoding/constraints/automaton/errors.ts';
import { MaskCache } from '../../decoding/constraints/automaton/mask-cache.ts';
import type { Vocabulary } from '../../decoding/constraints/automaton/vocabulary.ts';
import { compileJsonSchema } from '../../decoding/constraints/json-schema/compile.ts';
import type { Case } from './cases.ts';
import type { BenchVocabulary } from './vocabulary.ts';

export interface Refusal {
  readonly name: string;
  readonly message: string;
  readonly place: string;
}

export interface ConstraintFigures {
  readonly keyOrder: 'any' | 'schema';
  readonly schemas: number;
  /** Schemas of which all instances are judged right. */
  readonly passing: number;
  readonly refused: readonly Refusal[];
  /** Schemas of which a valid instance is rejected. */
  readonly validRejected: readonly string[];
  /** Schemas of which an invalid instance is accepted. */
  readonly invalidAccepted: readonly string[];
  /** Microseconds. */
  readonly masks: Float64Array;
  /** Milliseconds. */
  readonly compilations: Float64Array;
  /** In bytes, with all caches, after a garbage collection; NaN if it could not be measured. */
  readonly heapGrowth: number;
}

const MASK_BYTES = 2 * 1024 * 1024;
const MAX_STATES = 5_000;
/** Unmeasured schemas, with which V8 optimizes the code. */
const WARM_UP = 150;

export function measureConstraints(
  cases: readonly Case[],
  { vocabulary, encode }: BenchVocabulary,
  keyOrder: 'any' | 'schema',
): ConstraintFigures {
  for (const one of cases.slice(0, WARM_UP))
    judge(one, vocabulary, encode, new MaskCache(MASK_BYTES), keyOrder);
  const refused: Refusal[] = [];
  const validRejected: string[] = [];
  const invalidAccepted: string[] = [];
  const masks: number[] = [];
  const compilations: number[] = [];
  let passing = 0;
  const before = heapUsed();
  const cache = new MaskCache(MASK_BYTES);
  for (const one of cases) {
    const judged = judge(one, vocabulary, encode, cache, keyOrder);
    compilations.push(judged.compilation);
    for (const time of judged.masks) masks.push(time);
    if (judged.refusal) refused.push({ ...judged.refusal, name: one.name });
    else {
      if (judged.validRejected) validRejected.push(one.name);
      if (judged.invalidAccepted) invalidAccepted.push(one.name);
      if (!judged.validRejected && !judged.invalidAccepted) passing++;
    }
  }
  const figures = {
    masks: Float64Array.from(masks).sort(),
    compilations: Float64Array.from(compilations).sort(),
  };
  masks.length = 0;
  compilations.length = 0;
  const own = 8 * (figures.masks.length + figures.compilations.length);
  const heapGrowth = heapUsed() - before - own;
  // The cache is counted.
  cache.evict(0);
  return {
    ...figures,
    keyOrder,
    schemas: cases.length,
    passing,
    refused,
    validRejected,
    invalidAccepted,
    heapGrowth,
  };
}

interface Judged {
  readonly compilation: number;
  readonly masks: readonly number[];
  readonly refusal?: Omit<Refusal, 'name'>;
  readonly validRejected: boolean;
  readonly invalidAccepted: boolean;
}

function judge(
  { schema, tests }: Case,
  vocabulary: Vocabulary,
  encode: (text: string) => number[],
  cache: MaskCache,
  keyOrder: 'any' | 'schema',
): Judged {
  const masks: number[] = [];
  let [validRejected, invalidAccepted] = [false, false];
  const begin = performance.now();
  let constraint: Constraint;
  try {
    const automaton = new Automaton(MAX_STATES);
    const [frame] = compileJsonSchema(schema, new CompileBudget(), { keyOrder });
    if (!frame) throw new Error('no frame');
    constraint = new Constraint(automaton, automaton.push([frame], automaton.end), vocabulary, cache);
  } catch (error) {
    const compilation = performance.now() - begin;
    const refusal =
      error instanceof ConstraintError
        ? { message: error.message, place: error.place }
        : { message: `CRASH ${error instanceof Error ? error.stack : error}`, place: '' };
    return { compilation, masks, refusal, validRejected, invalidAccepted };
  }
  const compilation = performance.now() - begin;
  for (const { valid, data } of tests) {
    for (const text of [JSON.stringify(data), JSON.stringify(data, null, 2)]) {
      const accepted = accepts(constraint, encode(text), masks);
      if (valid && !accepted) validRejected = true;
      if (!valid && accepted) invalidAccepted = true;
    }
  }
  return { compilation, masks, validRejected, invalidAccepted };
}

function accepts(constraint: Constraint, tokens: readonly number[], masks: number[]): boolean {
  let state = constraint.start;
  for (const token of tokens) {
    const begin = performance.now();
    const mask = constraint.allowed(state);
    masks.push(1000 * (performance.now() - begin));
    if (!mask.has(token)) return false;
    const next = constraint.next(state, token);
    if (!next) throw new Error(`the mask allows token ${token}, but the automaton does not`);
    state = next;
  }
  return state.accepts;
}

function heapUsed(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (!gc) return Number.NaN;
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}
