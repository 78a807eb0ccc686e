/** @module UTF-8 of short texts, in a buffer that is used again: `TextEncoder` costs more than a word has to encode. */

/** Texts with more UTF-16 code units are left to `TextEncoder`. */
const MAX_OWN_UNITS = 256;
/** A longer text has a buffer of its own, so that a request leaves no memory behind. */
const KEPT_BYTES = 4096;
/** A UTF-16 code unit has at most three bytes; a pair of surrogates has four. */
const BYTES_PER_UNIT = 3;
const REPLACEMENT = 0xfffd;

export class Utf8Buffer {
  /** The text that was written last begins at 0. */
  bytes: Uint8Array = new Uint8Array(KEPT_BYTES);
  readonly #kept = this.bytes;
  readonly #encoder = new TextEncoder();

  /** Replaces the contents by the text, a lone surrogate as U+FFFD. @returns the number of bytes */
  write(text: string): number {
    const most = BYTES_PER_UNIT * text.length;
    this.bytes = most <= KEPT_BYTES ? this.#kept : new Uint8Array(most);
    if (text.length > MAX_OWN_UNITS) return this.#encoder.encodeInto(text, this.bytes).written;
    return encode(text, this.bytes);
  }
}

function encode(text: string, bytes: Uint8Array): number {
  let end = 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x80) {
      bytes[end++] = code;
      continue;
    }
    if (code < 0x800) {
      bytes[end++] = 0xc0 | (code >> 6);
      bytes[end++] = 0x80 | (code & 0x3f);
      continue;
    }
    if (code >= 0xd800 && code < 0xe000) {
      const whole = text.codePointAt(i) as number; // i is inside the text
      if (whole > 0xffff) {
        i++;
        bytes[end++] = 0xf0 | (whole >> 18);
        bytes[end++] = 0x80 | ((whole >> 12) & 0x3f);
        bytes[end++] = 0x80 | ((whole >> 6) & 0x3f);
        bytes[end++] = 0x80 | (whole & 0x3f);
        continue;
      }
      code = REPLACEMENT;
    }
    bytes[end++] = 0xe0 | (code >> 12);
    bytes[end++] = 0x80 | ((code >> 6) & 0x3f);
    bytes[end++] = 0x80 | (code & 0x3f);
  }
  return end;
}

/** Number of bytes of the character that begins with `lead`. */
export function characterLength(lead: number): number {
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** Number of characters in `bytes[0, end)`. */
export function countCharacters(bytes: Uint8Array, end: number): number {
  let count = 0;
  for (let i = 0; i < end; i++) count += ((bytes[i] as number) & 0xc0) === 0x80 ? 0 : 1;
  return count;
}
