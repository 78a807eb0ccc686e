/** @module Edgebeam's side of the comparison. */

import type { Constraint } from '../../decoding/constraints/automaton/constraint.ts';
import type { Mask } from '../../decoding/constraints/automaton/mask.ts';
import { MaskCache } from '../../decoding/constraints/automaton/mask-cache.ts';
import type { State } from '../../decoding/constraints/automaton/state.ts';
import { sortTokens, Vocabulary } from '../../decoding/constraints/automaton/vocabulary.ts';
import { compileConstraint } from '../../decoding/constraints/compile.ts';
import { END_TOKEN, type LoadSide, type SchemaSide } from './side.ts';

const MASK_BYTES = 2 ** 20;

/** The converter sorts the tokens ahead; here that is a part of the load. */
export const load: LoadSide = async (tokens) => {
  const offsets = new Uint32Array(tokens.length + 1);
  tokens.forEach((bytes, i) => {
    offsets[i + 1] = (offsets[i] as number) + bytes.length;
  });
  const bytes = new Uint8Array(offsets.at(-1) as number);
  tokens.forEach((token, i) => {
    bytes.set(token, offsets[i]);
  });
  const table = { offsets, bytes };
  const vocabulary = new Vocabulary(
    table,
    sortTokens(table, (token) => token !== END_TOKEN),
  );
  const masks = new MaskCache(MASK_BYTES);
  return {
    compile: (schema) => sideOf(compileConstraint({ type: 'json_schema', schema }, vocabulary, { masks })),
    outsideBytes: 0,
  };
};

function sideOf(constraint: Constraint): SchemaSide {
  let state: State = constraint.start;
  let mask: Mask | undefined;
  return {
    restart() {
      state = constraint.start;
    },
    makeMask() {
      mask = constraint.allowed(state);
    },
    allows: (token) => mask?.has(token) ?? false,
    mayEnd: () => state.accepts,
    read(token) {
      const next = constraint.next(state, token);
      if (!next) throw new Error(`the mask allows token ${token}, but it cannot follow`);
      state = next;
    },
  };
}
