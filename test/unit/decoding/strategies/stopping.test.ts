/** @module Stop strings and the decoded text: decoding stops where a reader of the text sees the string. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stoppingCriterion } from '../../../../decoding/strategies/stopping.ts';

/** Whole characters, their parts, invalid bytes, and a token without text. */
const PIECES = [
  ...[[0x61], [0x62], [0xef], [0xbf], [0xbd], [0xe2], [0x80], [0xa6], [0xf0, 0x9f], [0xff]],
  ...[[0xef, 0xbf, 0xbd], [0xa6, 0x61], [0x61, 0xef], [0xc3, 0xa9], []],
];
const STOPS = [
  '\ufffd',
  'a\ufffd',
  '\ufffd\ufffd',
  '\ufffda',
  '\u2026',
  'a\u2026b',
  'é',
  'ab',
  '\ud83d',
  'aaaa',
];
const bytesOf = (token: number) => Uint8Array.from(PIECES[token] ?? []);

const anyTokens = fc.array(fc.nat(PIECES.length - 1), { minLength: 1, maxLength: 12 });
const anyStops = fc.uniqueArray(fc.constantFrom(...STOPS), { minLength: 1, maxLength: 4 });

function reasonOf(tokens: readonly number[], stop: readonly string[], maxLength: number, promptLength = 0) {
  const options = { stop: [...stop], stop_strings: [], stop_token_ids: [], min_length: 0, min_new_tokens: 0 };
  const limits = { eosTokenIds: [], promptLength, maxLength };
  return stoppingCriterion(options, limits, { tokenBytes: bytesOf })({
    tokens: Int32Array.from(tokens),
    length: tokens.length,
  });
}

/** The text after each token, as a stream sends it: without the bytes of an incomplete character. */
function streamed(tokens: readonly number[]): string[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let text = '';
  return tokens.map((token) => {
    text += decoder.decode(bytesOf(token), { stream: true });
    return text;
  });
}

describe('a stop string', () => {
  it('ends the text with the token that completes it in the decoded text', () => {
    fc.assert(
      fc.property(anyTokens, anyTokens, anyStops, (prompt, tokens, stops) => {
        const texts = streamed(tokens);
        const text = texts.at(-1) ?? '';
        const before = texts.at(-2) ?? '';
        const completed = stops
          .map((stop) => stop.toWellFormed())
          .some((stop) => text.includes(stop, before.length - stop.length + 1));
        const length = prompt.length + tokens.length;
        expect(reasonOf([...prompt, ...tokens], stops, length + 1, prompt.length)).toBe(
          completed ? 'stop' : null,
        );
      }),
      { numRuns: 5000 },
    );
  });

  it('ends a text at its maximum length if the incomplete character at the end is in the string', () => {
    expect(reasonOf([0, 2], ['a\ufffd'], 3)).toBe(null);
    expect(reasonOf([0, 2], ['a\ufffd'], 2)).toBe('stop');
    expect(reasonOf([0, 2], ['b'], 2)).toBe('length');
  });

  it('of U+FFFD is not in a character that a later token may still complete', () => {
    expect(reasonOf([5, 6], ['\ufffd'], 9)).toBe(null);
    expect(reasonOf([5, 6, 7], ['\ufffd'], 9)).toBe(null);
    expect(reasonOf([5, 6, 7], ['\u2026'], 9)).toBe('stop');
    expect(reasonOf([5, 6, 0], ['\ufffd'], 9)).toBe('stop');
  });
});
