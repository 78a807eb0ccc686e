import { expect, it } from 'vitest';
import { countCharacters, Utf8Buffer } from '../../../../tokenizer/models/utf8-buffer.ts';

it('has the bytes of TextEncoder, for short texts and long ones', () => {
  const buffer = new Utf8Buffer();
  const characters = [
    'a',
    '\0',
    '\x7f',
    '\x80',
    'é',
    '\u07ff',
    '\u0800',
    '世',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '😀',
    '\ud800',
    '\udc00',
  ];
  for (const repeat of [1, 40, 3000]) {
    for (const [i, first] of characters.entries()) {
      const text = (first + (characters[(i * 5 + 3) % characters.length] ?? '')).repeat(repeat);
      const length = buffer.write(text);
      expect(buffer.bytes.slice(0, length)).toEqual(new TextEncoder().encode(text));
      expect(countCharacters(buffer.bytes, length)).toBe([...text.toWellFormed()].length);
    }
  }
});
