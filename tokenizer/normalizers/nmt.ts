/** @module SentencePiece's `nmt` rules: no control characters, and plain spaces. */

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: these are the rules
const REMOVED = /[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g;
const SPACES = /[\u0009\u000a\u000c\u000d\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: these were the rules

export function normalizeNmt(text: string): string {
  return text.replace(REMOVED, '').replace(SPACES, ' ');
}
