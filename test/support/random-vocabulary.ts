/** @module Small vocabularies of random tokens, every byte among them. */
import { sortTokens, type TokenTable, Vocabulary } from '../../decoding/constraints/automaton/vocabulary.ts';
import type { Draw } from './draw.ts';

const BYTES = 256;

/** A vocabulary, and the bytes of its tokens. */
export interface Tokens {
  readonly vocabulary: Vocabulary;
  /** None for tokens that are no text. */
  readonly bytes: readonly (readonly number[])[];
}

export function vocabularyOf(
  tokens: readonly (readonly number[])[],
  special: ReadonlySet<number> = new Set(),
): Tokens {
  const offsets = new Uint32Array(tokens.length + 1);
  tokens.forEach((token, i) => {
    offsets[i + 1] = (offsets[i] as number) + token.length;
  });
  const table: TokenTable = { offsets, bytes: Uint8Array.from(tokens.flat()) };
  const sorted = sortTokens(table, (token) => !special.has(token));
  return {
    vocabulary: new Vocabulary(table, sorted),
    bytes: tokens.map((token, i) => (special.has(i) ? [] : token)),
  };
}

/** Every byte, `count` random pieces of texts, a few tokens that are there twice, empty, or special, in any order. */
export function randomVocabulary(draw: Draw, texts: readonly string[], count: number): Tokens {
  const tokens = Array.from({ length: BYTES }, (_, byte) => [byte]);
  for (let i = 0; i < count; i++) {
    const utf8 = [...new TextEncoder().encode(draw.pick(texts) + draw.pick(texts))];
    const start = draw.integer(0, utf8.length);
    tokens.push(utf8.slice(start, start + draw.integer(1, 6)));
  }
  tokens.push([], draw.pick(tokens));
  const shuffled = draw.shuffled(tokens);
  // A special token may have the bytes of a text.
  shuffled.push([...new TextEncoder().encode('a')]);
  return vocabularyOf(shuffled, new Set([shuffled.length - 1]));
}
