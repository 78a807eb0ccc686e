/** @module The bytes of each token in a text: what a tokenizer's decoder makes of them. */
import type { TextDescription } from '../../../tokenizer/format/description.ts';
import { byteSymbols } from '../../../tokenizer/unicode/symbols.ts';
import { fail } from '../files/folder.ts';
import type { Step } from '../files/tokenizer-json.ts';
import { stepsOf } from './steps.ts';

export interface TokenTexts {
  /** By id; none for an id without a token. */
  readonly bytes: readonly Uint8Array[];
  readonly text: TextDescription;
}

const NO_BYTES = new Uint8Array(0);

/** @param tokens by id, with holes */
export function tokenTexts(
  tokens: readonly (string | undefined)[],
  decoder: Step | null | undefined,
  location: string,
): TokenTexts {
  const [only, ...others] = stepsOf(decoder, location, 'decoders');
  if (only?.step.type !== 'ByteLevel' || others.length > 0) {
    fail(location, `the decoder "${only?.step.type ?? 'none'}" is not supported`);
  }
  return {
    bytes: tokens.map((token) => (token === undefined ? NO_BYTES : bytesOfSymbols(token))),
    text: { first: 'same' },
  };
}

const BYTES = new Map(byteSymbols().map((symbol, byte) => [symbol, byte]));

/** A token whose symbols are not all bytes is text as it is. */
function bytesOfSymbols(token: string): Uint8Array {
  const bytes = bytesIfSymbols(token);
  return bytes ?? new TextEncoder().encode(token);
}

/** The bytes of a token that consists of the symbols of bytes. */
export function bytesIfSymbols(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = BYTES.get(token.charAt(i));
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}
