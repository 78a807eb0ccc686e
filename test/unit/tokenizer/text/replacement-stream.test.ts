import { expect, it } from 'vitest';
import type { Replacement } from '../../../../tokenizer/format/text-description.ts';
import { ReplacementStream } from '../../../../tokenizer/text/replacement-stream.ts';
import { mulberry32 } from '../../../support/plain-rows.ts';

const LISTS: readonly (readonly Replacement[])[] = [
  [{ pattern: 'aba', content: 'x' }],
  [
    { pattern: 'aa', content: 'a' },
    { pattern: 'ab', content: '' },
  ],
  [
    { pattern: ' b', content: 'b' },
    { pattern: " ' ", content: "'" },
    { pattern: 'b b', content: '$&' },
  ],
  [
    { pattern: 'a', content: 'bb' },
    { pattern: 'bbb', content: 'a ' },
  ],
];

it('replaces what replaceAll replaces in the whole text, however it arrives', () => {
  const random = mulberry32(3);
  for (let i = 0; i < 4000; i++) {
    const list = LISTS[i % LISTS.length] ?? [];
    const text = Array.from(
      { length: Math.floor(12 * random()) },
      () => "ab ' "[Math.floor(5 * random())],
    ).join('');
    const whole = list.reduce(
      (result, { pattern, content }) => result.replaceAll(pattern, () => content),
      text,
    );
    const stream = new ReplacementStream(list);
    let result = '';
    for (let at = 0; at < text.length; ) {
      const end = at + 1 + Math.floor(3 * random());
      result += stream.push(text.slice(at, end));
      expect(whole.startsWith(result)).toBe(true);
      at = end;
    }
    expect([text, result + stream.flush()]).toEqual([text, whole]);
  }
});

it('gives text as soon as it is certain', () => {
  const stream = new ReplacementStream([{ pattern: ' .', content: '.' }]);
  expect(['Hello', ' ', '.', ' ', 'a'].map((text) => stream.push(text))).toEqual([
    'Hello',
    '',
    '.',
    '',
    ' a',
  ]);
});

it('goes on alone after a fork', () => {
  const stream = new ReplacementStream([{ pattern: 'ab', content: 'x' }]);
  stream.push('a');
  const fork = stream.fork();
  expect([stream.push('b'), fork.push('c'), stream.flush(), fork.flush()]).toEqual(['x', 'ac', '', '']);
});
