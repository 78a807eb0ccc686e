/** @module Frames of numbers and strings. */

import type { CompileBudget } from '../automaton/errors.ts';
import type { Frame } from '../automaton/frame.ts';
import { Language } from '../regular/language.ts';
import { jsonStringFrame, utf8Frame } from '../regular/text-frames.ts';
import { constantNumberFrame } from './constant-number.ts';
import { numberLanguageOf, textsOfNumbers } from './number-languages.ts';
import type { NumberPiece } from './numbers.ts';
import type { StringPiece } from './strings.ts';
import { quotedTexts } from './text-frames.ts';
import { TextTrie } from './text-trie.ts';

/** Frames that together read the numbers of the pieces; none for pieces without numbers. */
export function numberFrames(pieces: readonly NumberPiece[], budget: CompileBudget): Frame[] {
  const single = pieces.filter(({ low, high }) => low === high).map(({ low }) => low);
  const [first] = single;
  const constant = pieces.length === 1 && first !== undefined ? constantNumberFrame(first) : undefined;
  if (constant) return [constant];
  const languages = pieces
    .filter(({ low, high }) => low !== high)
    .map((piece) => numberLanguageOf(piece, budget));
  if (single.length > 0) languages.push(textsOfNumbers(single, budget));
  return languages.map(utf8Frame).filter((frame) => frame !== undefined);
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
