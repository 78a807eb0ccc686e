/** @module What a grammar in GBNF says, as its parser reads it. */
import type { CodePoints } from '../regular/code-points.ts';

export type Item =
  /** Code points, one after the other. */
  | { readonly kind: 'literal'; readonly characters: readonly number[] }
  | { readonly kind: 'class'; readonly set: CodePoints; readonly offset: number }
  | { readonly kind: 'reference'; readonly name: string; readonly offset: number }
  | { readonly kind: 'group'; readonly alternatives: Alternatives }
  | { readonly kind: 'repeat'; readonly item: Item; readonly min: number; readonly max: number };

/** Each is read from the left to the right. */
export type Alternatives = readonly (readonly Item[])[];

export interface Definition {
  readonly name: string;
  /** Of its name in the source. */
  readonly offset: number;
  readonly alternatives: Alternatives;
}
