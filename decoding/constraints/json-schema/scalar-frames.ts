/** @module Frames of numbers and strings. */
import type { Frame } from '../automaton/automaton.ts';
import type { CompileBudget } from '../automaton/errors.ts';
import { Language } from '../regular/language.ts';
import { jsonStringFrame, utf8Frame } from '../regular/text-frames.ts';
import { TextTrie } from './frames/text-trie.ts';
import { quotedTexts } from './frames/texts.ts';
import { numberLanguageOf } from './languages.ts';
import type { NumberPiece } from './numbers.ts';
import type { StringPiece } from './strings.ts';

/** Reads a number of the piece. @returns undefined if there is none */
export function numberFrame(piece: NumberPiece, budget: CompileBudget): Frame | undefined {
  return utf8Frame(numberLanguageOf(piece, budget));
}

/** Reads a string of the piece, with its quotes. @returns undefined if there is none */
export function stringFrame(piece: StringPiece, budget: CompileBudget): Frame | undefined {
  if (!piece.texts) {
    const { language = Language.all, minLength, maxLength } = piece;
    return jsonStringFrame(language, { min: minLength, max: maxLength }, budget);
  }
  const trie = new TextTrie(piece.texts);
  return trie.texts.length > 0 ? quotedTexts(trie) : undefined;
}
