/** @module The characters that tokens cover. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { CharacterSpans } from '../../../tokenizer/character-spans.ts';
import type { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { loadTokenizer } from '../../golden/tokenizer-golden.ts';

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const codePoints = (bytes: readonly number[]) => Array.from(utf8.decode(Uint8Array.from(bytes))).length;

/** Bytes that begin, continue, complete and break characters. */
const anyByte = fc.oneof(
  fc.nat(255),
  fc.constantFrom(0x61, 0x80, 0x90, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xf5),
);
const anyTokens = fc.array(fc.array(anyByte, { maxLength: 5 }), { maxLength: 20 });

it('are those of the decoded text, for any bytes', () => {
  fc.assert(
    fc.property(anyTokens, (tokens) => {
      const spans = new CharacterSpans();
      const before: number[] = [];
      for (const token of tokens) {
        const span = spans.push(Uint8Array.from(token));
        // The last character of a prefix is the one that its last byte belongs to.
        const characters = token.map((_, i) => codePoints([...before, ...token.slice(0, i + 1)]) - 1);
        before.push(...token);
        if (token.length === 0) expect(span.stop).toBe(span.start);
        else expect(span).toEqual({ start: characters[0], stop: (characters.at(-1) ?? 0) + 1 });
      }
    }),
    { numRuns: 2000 },
  );
});

it('begin anew after the end of a text', () => {
  const spans = new CharacterSpans();
  expect(spans.push(Uint8Array.of(0x61, 0xe2))).toEqual({ start: 0, stop: 2 });
  spans.endText();
  expect(spans.push(Uint8Array.of(0x82))).toEqual({ start: 2, stop: 3 });
});

describe('of a text', () => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await loadTokenizer('gpt2');
  });

  // tokenizers 0.23.2, with GPT-2's vocabulary: Tokenizer.encode(text).offsets.
  it.each<[string, [number, number][]]>([
    [
      'i ⭢ j',
      [
        [0, 1],
        [1, 3],
        [2, 3],
        [2, 3],
        [3, 5],
      ],
    ],
    [
      '😀 The cat',
      [
        [0, 1],
        [0, 1],
        [1, 5],
        [5, 9],
      ],
    ],
    [
      'a 👩‍👩‍👧 é',
      [
        [0, 1],
        [1, 3],
        [2, 3],
        [3, 4],
        [3, 4],
        [4, 5],
        [4, 5],
        [5, 6],
        [5, 6],
        [6, 7],
        [6, 7],
        [7, 9],
      ],
    ],
  ])('%s are the offset mapping of the reference', (text, offsets) => {
    const spans = new CharacterSpans();
    const found = Array.from(tokenizer.encode(text), (id) => spans.push(tokenizer.tokenBytes(id)));
    expect(found.map(({ start, stop }) => [start, stop])).toEqual(offsets);
  });
});
