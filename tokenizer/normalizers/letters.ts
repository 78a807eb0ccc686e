/** @module Lower case, and letters without accents. */
import { characterSet } from '../unicode/character-set.ts';

/**
 * Each character's own lower case, as in the reference. JavaScript alone looks at a character's neighbours: it ends a
 * word with ς.
 */
export function lowercase(text: string): string {
  return text.replaceAll('Σ', 'σ').toLowerCase();
}

/** Without marks; letters that contain an accent keep it, unless the text was decomposed (NFD) before. */
export function stripAccents(text: string): string {
  const marks = characterSet('MARK');
  let kept = '';
  for (const character of text) {
    if (!marks.has(character.codePointAt(0) as number)) kept += character; // never empty
  }
  return kept;
}
