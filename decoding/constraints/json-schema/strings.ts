/** @module Sets of strings: lists of texts, and regular languages with an interval of lengths. */
import type { CompileBudget } from '../automaton/errors.ts';
import { Language } from '../regular/language.ts';
import { languageOf } from './languages.ts';

export type StringPiece = StringTexts | StringPattern;

/** Some texts. */
export interface StringTexts {
  readonly texts: ReadonlySet<string>;
}

/** The strings of a language whose length, in code points, is in an interval. */
export interface StringPattern {
  readonly texts?: undefined;
  /** undefined: all strings. */
  readonly language: Language | undefined;
  readonly minLength: number;
  /** May be Infinity. */
  readonly maxLength: number;
}

export const ANY_STRING: StringPattern = { language: undefined, minLength: 0, maxLength: Infinity };

/** @returns the strings of both; undefined if there are none, as far as is known without compiling their languages */
export function intersectStrings(
  a: StringPiece,
  b: StringPiece,
  budget: CompileBudget,
): StringPiece | undefined {
  if (a.texts) return filtered(a.texts, b);
  if (b.texts) return filtered(b.texts, a);
  const minLength = Math.max(a.minLength, b.minLength);
  const maxLength = Math.min(a.maxLength, b.maxLength);
  if (minLength > maxLength) return undefined;
  const language =
    a.language && b.language && a.language !== b.language
      ? a.language.and(b.language, budget)
      : (a.language ?? b.language);
  return { language, minLength, maxLength };
}

/** @returns the strings that are not in the piece */
export function complementOfStrings(piece: StringPiece, budget: CompileBudget): StringPiece[] {
  if (piece.texts) return [{ ...ANY_STRING, language: languageOf([...piece.texts], budget).not(budget) }];
  const { language, minLength, maxLength } = piece;
  return [
    ...(language ? [{ ...ANY_STRING, language: language.not(budget) }] : []),
    ...(minLength > 0 ? [{ language, minLength: 0, maxLength: minLength - 1 }] : []),
    ...(maxLength < Infinity ? [{ language, minLength: maxLength + 1, maxLength: Infinity }] : []),
  ];
}

/** @returns the strings of any of the pieces, with all texts in one */
export function uniteStrings(pieces: readonly StringPiece[]): StringPiece[] {
  if (pieces.length < 2) return [...pieces];
  const patterns = pieces.filter((piece) => !piece.texts);
  const any = patterns.find(isAnyString);
  if (any) return [any];
  const texts = new Set(pieces.flatMap((piece) => [...(piece.texts ?? [])]));
  return [...new Set(patterns), ...(texts.size > 0 ? [{ texts }] : [])];
}

export function hasString(piece: StringPiece, text: string): boolean {
  if (piece.texts) return piece.texts.has(text);
  const { language, minLength, maxLength } = piece;
  if (minLength > 0 || maxLength < Infinity) {
    const length = lengthOf(text);
    if (length < minLength || length > maxLength) return false;
  }
  return language?.has(text) ?? true;
}

export function isAnyString(piece: StringPiece): boolean {
  return !piece.texts && !piece.language && piece.minLength === 0 && piece.maxLength === Infinity;
}

/** In code points. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

function filtered(texts: ReadonlySet<string>, other: StringPiece): StringPiece | undefined {
  const both = [...texts].filter((text) => hasString(other, text));
  if (both.length === 0) return undefined;
  return { texts: both.length === texts.size ? texts : new Set(both) };
}

/** @returns the piece as one language */
export function languageOfPiece(piece: StringPiece, budget: CompileBudget): Language {
  if (piece.texts) return languageOf([...piece.texts], budget);
  return (piece.language ?? Language.all).withLength(piece.minLength, piece.maxLength, budget);
}
