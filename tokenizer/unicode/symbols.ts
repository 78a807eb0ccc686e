/** @module The symbols that stand for bytes in byte-level vocabularies. */

const BYTE_VALUES = 256;

/** `bytes_to_unicode()` of GPT-2's `encoder.py`: the symbols of the bytes 0 to 255. */
export function byteSymbols(): string[] {
  let next = 0x100;
  return Array.from({ length: BYTE_VALUES }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
}

let symbols: string[] | undefined;

/** The text with each byte of its UTF-8 as a symbol. */
export function toByteSymbols(text: string): string {
  symbols ??= byteSymbols();
  let mapped = '';
  for (const byte of new TextEncoder().encode(text)) mapped += symbols[byte] as string;
  return mapped;
}
