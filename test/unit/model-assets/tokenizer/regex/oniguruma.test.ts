/** @module Sets of characters in regular expressions, as Hugging Face's tokenizers have them, with Oniguruma. */
import { expect, it } from 'vitest';
import { CheckpointError } from '../../../../../model-assets/checkpoint/interface/errors.ts';
import { translateRegex } from '../../../../../model-assets/tokenizer/regex/oniguruma.ts';
import { matchesOf, regExpOf } from '../../../../../tokenizer/unicode/patterns.ts';

function matches(pattern: string, text: string): string[] {
  const found: string[] = [];
  const find = matchesOf(regExpOf(translateRegex(pattern, 'x')));
  find(text, (start, end) => found.push(text.slice(start, end)));
  return found;
}

it.each([
  // Six characters of Latin-1 belong to words only outside of a class.
  ['\\w', 'a½²_!', 'a½²_'],
  ['\\p{Word}', 'a½²_!', 'a½²_'],
  ['\\W', 'a½²_!', '!'],
  ['[\\w]', 'a½²_!', 'a_'],
  ['[\\W]', 'a½²_!', '½²!'],
  ['[^\\s\\w]', 'a ½_¾!', '½¾!'],
  ['[[:word:]]', 'a½²_!', 'a_'],
  ['[\\p{Word}]', 'a½²_!', 'a_'],
  // The property is that of Unicode, the bracket is not.
  ['\\p{Punct}', '$!+-€', '!-'],
  ['[[:punct:]]', '$!+-€', '$!+-€'],
  // Of Unicode 16, whatever the engine has.
  ['\\p{Ll}', 'aʕA', 'aʕ'],
  ['\\p{Lo}', 'ªʕ中', 'ª中'],
  ['\\p{Cn}', 'a\u088f\u0378', '\u088f\u0378'],
  ['\\p{Any}', 'a\u088f', 'a\u088f'],
  ['\\p{L}', 'a\u088f', 'a'],
  ['(?i:[a-z])', 'aIıſ\u212a', 'aIſ\u212a'],
  ['(?i:ı)', 'iIı', 'ı'],
  ['(?i:\\x{fb05})', '\ufb05\ufb06s', '\ufb05\ufb06'],
  ['(?i:\\x{390})', '\u0390\u1fd3', '\u0390\u1fd3'],
])('%s finds in %j only %j', (pattern, text, expected) => {
  expect(matches(pattern, text).join('')).toBe(expected);
});

it.each(['\\p{Extended_Pictographic}', '[\\p{Diacritic}]', '\\P{ExtPict}'])(
  '%s, which differs from version to version, is refused',
  (pattern) => expect(() => translateRegex(pattern, 'x')).toThrow(CheckpointError),
);
