/** @module Compiles what a caller asks of a text. */
import { Automaton } from './automaton/automaton.ts';
import { Constraint } from './automaton/constraint.ts';
import { CompileBudget, type CompileLimits, ConstraintError, DEFAULT_LIMITS } from './automaton/errors.ts';
import type { Frame } from './automaton/frame.ts';
import { MaskCache } from './automaton/mask-cache.ts';
import { ANY_TEXT } from './automaton/prefix.ts';
import type { Vocabulary } from './automaton/vocabulary.ts';
import { compileChoice } from './grammar/choice.ts';
import { compileGrammar } from './grammar/gbnf.ts';
import { compileJsonSchema, jsonObject } from './json-schema/compile.ts';
import { parseRegex } from './regular/regex.ts';
import { utf8Frame } from './regular/text-frames.ts';
import type { ConstraintSource } from './source.ts';

export interface CompileOptions {
  /** Of the same vocabulary; other constraints may share it. Default: one of its own, of 2 MiB. */
  readonly masks?: MaskCache;
  readonly limits?: CompileLimits;
  /** Counts what is spent. Default: one with the limits. */
  readonly budget?: CompileBudget;
}

/** States that are kept to be found again. */
const MAX_STATES = 2000;
/** What the steps of a grammar's mask may join, each of them slower than those of others. */
const MAX_JOINED_OF_GRAMMAR = 35_000;
const DEFAULT_MASK_BYTES = 2 ** 21;

/** @throws ConstraintError for a source that is malformed, not supported, or beyond the limits */
export function compileConstraint(
  source: ConstraintSource,
  vocabulary: Vocabulary,
  {
    masks = new MaskCache(DEFAULT_MASK_BYTES),
    limits = DEFAULT_LIMITS,
    budget = new CompileBudget(limits),
  }: CompileOptions = {},
): Constraint {
  const frames = framesOf(source, budget);
  const open = (): Constraint => {
    const automaton = new Automaton(
      MAX_STATES,
      source.type === 'grammar' ? MAX_JOINED_OF_GRAMMAR : undefined,
    );
    const start = automaton.push(frames, automaton.end);
    return new Constraint(automaton, start, vocabulary, masks, { anew: open, bytes: budget.bytes });
  };
  return open();
}

/**
 * No constraint at all. It is where one begins that asks for a beginning only: `anyText(vocabulary).after(bytes)` is
 * met by the texts that begin with these bytes, in whatever tokens, and after them a text is free.
 */
export function anyText(vocabulary: Vocabulary, masks = new MaskCache(DEFAULT_MASK_BYTES)): Constraint {
  const open = (): Constraint => {
    const automaton = new Automaton(MAX_STATES);
    const start = automaton.push([ANY_TEXT], automaton.end);
    return new Constraint(automaton, start, vocabulary, masks, { anew: open });
  };
  return open();
}

function framesOf(source: ConstraintSource, budget: CompileBudget): readonly Frame[] {
  switch (source.type) {
    case 'choice':
      return compileChoice(source.choices, budget);
    case 'regex':
      return compileRegex(source.pattern, source.flags, budget);
    case 'json_schema':
      return compileJsonSchema(source.schema, budget);
    case 'json_object':
      return jsonObject();
    case 'grammar':
      return compileGrammar(source.grammar, budget);
  }
}

function compileRegex(pattern: string, flags: string | undefined, budget: CompileBudget): Frame[] {
  const frame = utf8Frame(parseRegex(pattern, flags ?? '', 'whole', budget));
  if (!frame) throw new ConstraintError('the expression matches no text');
  return [frame];
}
