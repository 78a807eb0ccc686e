/** @module The bytes of each token in a text: what a tokenizer's decoder makes of them. */
import { byteSymbols } from '../../../tokenizer/unicode/symbols.ts';
import { fail } from '../files/folder.ts';
import type { Step } from '../files/tokenizer-json.ts';
import { readDecoder } from './decoder-steps.ts';
import { placeAwareTexts } from './place-aware-texts.ts';
import { stepsOf } from './steps.ts';
import type { TokenTexts } from './texts.ts';

const NO_BYTES = new Uint8Array(0);

/**
 * @param tokens by id, with holes
 * @param cleanUp whether the reference removes spaces before punctuation
 */
export function tokenTexts(
  tokens: readonly (string | undefined)[],
  decoder: Step | null | undefined,
  cleanUp: boolean,
  location: string,
): TokenTexts {
  const steps = readDecoder(stepsOf(decoder, location, 'decoders'));
  if (!steps.isByteLevel) return placeAwareTexts(tokens, steps, cleanUp, location);
  if (cleanUp) {
    fail(
      location,
      'is ByteLevel, which is not supported with clean_up_tokenization_spaces: set that to false',
    );
  }
  return {
    bytes: tokens.map((token) => (token === undefined ? NO_BYTES : bytesOfSymbols(token))),
    text: {
      first: 'same',
      last: 'same',
      hasByteTokens: false,
      inRuns: [],
      replacements: [],
    },
    tables: [],
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
