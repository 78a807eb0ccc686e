/** @module The processor of a constraint: transformers' `PrefixConstrainedLogitsProcessor`. */

import type { Constraint } from '../constraints/automaton/constraint.ts';
import type { Mask } from '../constraints/automaton/mask.ts';
import type { State } from '../constraints/automaton/state.ts';
import type { LogitsProcessor, ProcessedRow, TokenSequence } from './logits-processor.ts';

/** The tokens that may follow a text: those of a mask, and others beside it. */
export interface AllowedTokens {
  readonly mask: Mask;
  /** The tokens that end the text, if it may end. */
  readonly ends: readonly number[];
}

/** What may follow a text; undefined where the constraint asks for nothing more. */
export type ConstraintRule = (sequence: TokenSequence) => AllowedTokens | undefined;

/**
 * @param endTokenIds end the text wherever they stand, so that they are allowed only where it may end, also if they have
 *   a text of their own
 * @param lastLength the length up to which a text must be whole, prompt included; infinite if it need not be
 */
export function constraintRule(
  constraint: Constraint,
  endTokenIds: readonly number[],
  lastLength: number,
): ConstraintRule {
  let last: { state: State; length: number; allowed: AllowedTokens } | undefined;
  return ({ state = constraint.start, length }) => {
    if (state.isFree) return undefined;
    // A step asks more than once for a beam, and beams often share a state.
    if (last?.state !== state || last.length !== length) {
      const mask = constraint.allowed(state, lastLength - length).without(endTokenIds);
      last = { state, length, allowed: { mask, ends: state.accepts ? endTokenIds : [] } };
    }
    return last.allowed;
  };
}

/** Whether a whole text ends here although no token says so: none ends texts, and none may follow. */
export function isAtEnd(rule: ConstraintRule, sequence: TokenSequence): boolean {
  if (!sequence.state?.accepts) return false;
  const allowed = rule(sequence);
  return allowed !== undefined && countOf(allowed) === 0;
}

/** Bans all tokens but those that the rule allows, and allows them if other processors have banned them all. */
export function constrainTokens(rule: ConstraintRule): LogitsProcessor {
  return Object.assign(
    (scores: Float32Array, sequence: TokenSequence) => {
      const allowed = rule(sequence);
      allowed?.mask.apply(scores, allowed.ends);
    },
    {
      together(rows: readonly ProcessedRow[]) {
        if (!rows.every(({ scores }) => isBanned(scores))) return;
        for (const { scores, sequence } of rows) {
          const allowed = rule(sequence);
          if (allowed) allow(scores, allowed);
        }
      },
    },
  );
}

/** Whether no token is left of a row. */
export function isBanned(scores: Float32Array): boolean {
  for (let i = 0; i < scores.length; i++) if (scores[i] !== -Infinity) return false;
  return true;
}

/** Gives the allowed tokens of a row without tokens the score 0. */
export function allow(scores: Float32Array, { mask, ends }: AllowedTokens): void {
  scores.fill(0);
  mask.apply(scores, ends);
}

/** All of them, ascending; undefined if they are too many for a list. */
export function listOf({ mask, ends }: AllowedTokens): Uint32Array | undefined {
  if (!mask.list || ends.length === 0) return mask.list;
  return Uint32Array.from([...mask.list, ...ends]).sort();
}

/** Number of tokens. The mask has none of the ends. */
export const countOf = ({ mask, ends }: AllowedTokens): number => mask.size + ends.length;
