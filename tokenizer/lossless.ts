/** @module Whether a tokenizer keeps every byte of a text. */
import type { PreTokenizerDescription, TokenizerDescription } from './format/description.ts';
import type { Tables } from './format/file.ts';
import { NO_TOKEN } from './models/byte-level-bpe.ts';
import { isPlain } from './text/token-texts.ts';

/** Whether the bytes of a text's tokens, without those of the template, are the text. */
export function isLossless(
  { added, normalizers, preTokenizers, model, text }: TokenizerDescription,
  tables: Tables,
): boolean {
  return (
    model.type === 'ByteLevelBpe' &&
    isPlain(text) &&
    normalizers.length === 0 &&
    preTokenizers.every(keepsText) &&
    !added.some(({ lstrip, rstrip }) => lstrip || rstrip) &&
    !tables.get('byteIds', 'u32').includes(NO_TOKEN)
  );
}

function keepsText(step: PreTokenizerDescription): boolean {
  switch (step.type) {
    case 'ByteLevel':
      return !step.addPrefixSpace;
    case 'Digits':
    case 'FixedLength':
      return true;
    case 'Split':
    case 'Punctuation':
      return step.behavior !== 'Removed';
    default:
      return false;
  }
}
