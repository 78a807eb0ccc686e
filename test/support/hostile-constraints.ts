/** @module Hostile constraints of all kinds, and what becomes of one. */

import type { Constraint } from '../../decoding/constraints/automaton/constraint.ts';
import { type CompileLimits, ConstraintError } from '../../decoding/constraints/automaton/errors.ts';
import type { Mask } from '../../decoding/constraints/automaton/mask.ts';
import type { MaskCache } from '../../decoding/constraints/automaton/mask-cache.ts';
import type { State } from '../../decoding/constraints/automaton/state.ts';
import type { Vocabulary } from '../../decoding/constraints/automaton/vocabulary.ts';
import { compileConstraint } from '../../decoding/constraints/compile.ts';
import type { ConstraintSource } from '../../decoding/constraints/source.ts';
import { Draw } from './draw.ts';
import { hostileChoices, hostileGrammar } from './hostile-grammars.ts';
import { hostileFlags, hostileRegex } from './hostile-regexes.ts';
import { hostileSchema } from './hostile-schemas.ts';

export function hostileConstraint(seed: number): ConstraintSource {
  const draw = new Draw(seed);
  const kind = draw.integer(0, 9);
  if (kind === 0) return { type: 'choice', choices: hostileChoices(draw) };
  if (kind <= 2) return { type: 'grammar', grammar: hostileGrammar(draw) };
  if (kind <= 5) return { type: 'regex', pattern: hostileRegex(draw), flags: hostileFlags(draw) };
  return { type: 'json_schema', schema: hostileSchema(draw) };
}

/** How far it came: a refusal by the compiler, a stop at a bound while a text was made, or no error. */
export type Outcome = 'refused' | 'stopped' | 'read';

export interface Tried {
  readonly outcome: Outcome;
  /** Of the compilation, and whether a text has room: milliseconds of this thread's processor time. */
  readonly compilation: number;
  /** Of each token: its mask, and the state after it. */
  readonly tokens: readonly number[];
}

export interface Trial {
  readonly vocabulary: Vocabulary;
  readonly masks: MaskCache;
  /** Tokens that are read after the compilation. */
  readonly tokens: number;
  readonly limits?: CompileLimits;
}

/** An error longer than this repeats the constraint. */
const MAX_MESSAGE = 500;
/** Tokens that a text has room for, in a part of the trials. */
const ROOMS = [1, 2, 5, 16, 64];

/**
 * Compiles a constraint and makes a random text with it, as a request does.
 * @throws Error for anything that is thrown and is not a ConstraintError, and for a place without a way on
 */
export function tryHostile(seed: number, source: ConstraintSource, trial: Trial): Tried {
  const draw = new Draw(seed);
  const room = draw.pick([Infinity, draw.pick(ROOMS)]);
  const tokens: number[] = [];
  let begin = threadMilliseconds();
  let compilation: number | undefined;
  try {
    const constraint = compileConstraint(source, trial.vocabulary, trial);
    const fits = constraint.fits(room);
    if (!fits) constraint.leastTokens();
    compilation = threadMilliseconds() - begin;
    let left = fits ? room : Infinity;
    for (let state: State | null = constraint.start; tokens.length < trial.tokens; left--) {
      begin = threadMilliseconds();
      const mask: Mask = constraint.allowed(state, left);
      if (mask.size === 0) {
        tokens.push(threadMilliseconds() - begin);
        if (!state.accepts) throw new Error('no token may follow, and the text is not whole');
        break;
      }
      state = next(constraint, state, mask, draw);
      tokens.push(threadMilliseconds() - begin);
    }
    return { outcome: 'read', compilation, tokens };
  } catch (error) {
    if (!(error instanceof ConstraintError)) throw error;
    const { length } = error.message;
    if (length > MAX_MESSAGE) throw new Error(`the message has ${length} characters`, { cause: error });
    const last = threadMilliseconds() - begin;
    if (compilation === undefined) return { outcome: 'refused', compilation: last, tokens };
    return { outcome: 'stopped', compilation, tokens: [...tokens, last] };
  }
}

function next(constraint: Constraint, state: State, mask: Mask, draw: Draw): State {
  const token = mask.list ? draw.pick([...mask.list]) : drawOf(mask, constraint.vocabulary.vocabSize, draw);
  const after = constraint.next(state, token);
  if (!after) throw new Error(`the mask allows token ${token}, but it may not follow`);
  return after;
}

/** A mask without a list has so many tokens that some tries suffice. */
function drawOf(mask: Mask, vocabSize: number, draw: Draw): number {
  for (;;) {
    const token = draw.integer(0, vocabSize - 1);
    if (mask.has(token)) return token;
  }
}

export function threadMilliseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
