/** @module Lone surrogates in JSON. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ApiError } from '../../../../worker/http/errors.ts';
import { wellFormedJson } from '../../../../worker/http/well-formed-json.ts';

const anyText = fc
  .array(
    fc.constantFrom('a', '\\', '\\u', 'd83d', '"', '\n', '\ud83d', '\ude00', '\ud83d\ude00', '\udbff', '/'),
  )
  .map((parts) => parts.join(''));

const hex = (unit: string) => unit.charCodeAt(0).toString(16).padStart(4, '0');
const lowerCase = (text: string) =>
  `"${Array.from({ length: text.length }, (_, i) => `\\u${hex(text[i] ?? '')}`).join('')}"`;
const upperCase = (text: string) => lowerCase(text).toUpperCase().replaceAll('\\U', '\\u');

it('are U+FFFD, however they are escaped, and nothing else changes', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      for (const json of [JSON.stringify(text), lowerCase(text), upperCase(text)]) {
        expect(JSON.parse(json)).toBe(text);
        expect(JSON.parse(wellFormedJson(json))).toBe(text.toWellFormed());
      }
      const object = JSON.stringify({ [text]: [text, { text }] });
      const expected = text.toWellFormed();
      expect(JSON.parse(wellFormedJson(object))).toEqual({ [expected]: [expected, { text: expected }] });
    }),
    { numRuns: 2000 },
  );
});

it('leave other text as it is', () => {
  for (const json of ['', '{"a": "\\ud83d\\ude00"}', '"\\\\ud83d"', 'no JSON \\']) {
    expect(wellFormedJson(json)).toBe(json);
  }
});

it('of an error’s message are U+FFFD', () => {
  expect(new ApiError(400, "Unexpected token '\ud83d'").message).toBe("Unexpected token '\ufffd'");
});
