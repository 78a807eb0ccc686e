/** @module BERT's normalizer. */
import type { NormalizerDescription } from '../format/description.ts';
import { characterSet, isWhiteSpace } from '../unicode/character-set.ts';
import { lowercase } from './letters.ts';

const NUL = 0;
const REPLACEMENT = 0xfffd;

/** In this order: clean text, spaces around Chinese characters, no accents, lower case. */
export function bertNormalizer({
  cleanText,
  handleChineseChars,
  stripAccents,
  lowercase: isLowercase,
}: Extract<NormalizerDescription, { type: 'BertNormalizer' }>): (text: string) => string {
  return (text) => {
    let normalized = cleanText ? clean(text) : text;
    if (handleChineseChars) normalized = spaceChinese(normalized);
    if (stripAccents) normalized = withoutMarks(normalized);
    return isLowercase ? lowercase(normalized) : normalized;
  };
}

/** Without control characters, and with plain spaces. */
function clean(text: string): string {
  const [control, space] = [characterSet('BERT_CONTROL'), characterSet('BERT_SPACE')];
  return mapCharacters(text, (character, codePoint) => {
    if (codePoint === NUL || codePoint === REPLACEMENT || control.has(codePoint)) return '';
    return space.has(codePoint) || isWhiteSpace(codePoint) ? ' ' : character;
  });
}

function spaceChinese(text: string): string {
  const chinese = characterSet('CHINESE');
  return mapCharacters(text, (character, codePoint) =>
    chinese.has(codePoint) ? ` ${character} ` : character,
  );
}

function withoutMarks(text: string): string {
  const marks = characterSet('BERT_MARK');
  return mapCharacters(text.normalize('NFD'), (character, codePoint) =>
    marks.has(codePoint) ? '' : character,
  );
}

function mapCharacters(text: string, map: (character: string, codePoint: number) => string): string {
  let mapped = '';
  for (const character of text) mapped += map(character, character.codePointAt(0) as number); // never empty
  return mapped;
}
