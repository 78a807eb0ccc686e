/** @module The tokens that stand for single bytes beside a vocabulary of characters: SentencePiece's byte fallback. */
import { NO_TOKEN, type Trie } from './trie.ts';

/** The token of each byte, `<0x00>` to `<0xFF>`: `[256]`, `NO_TOKEN` where the vocabulary has none. */
export function byteTokens(trie: Trie): Int32Array {
  const encoder = new TextEncoder();
  return Int32Array.from({ length: 256 }, (_, byte) => {
    const name = encoder.encode(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
    return trie.find(name, 0, name.length);
  });
}

/** Whether each of `bytes[start, end)` has a token. */
export function haveByteTokens(tokens: Int32Array, bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (tokens[bytes[i] as number] === NO_TOKEN) return false;
  return true;
}
