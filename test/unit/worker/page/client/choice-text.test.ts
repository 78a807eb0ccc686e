/** @module The page's text processing: server-sent events, pieces of a text, sentences, and formatting. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Choice } from '../../../../../worker/page/client/api.ts';
import { ChoiceText } from '../../../../../worker/page/client/choice-text.ts';
import { cellWidth, percent, signed, toVisible } from '../../../../../worker/page/client/numbers.ts';
import { SentenceSplitter } from '../../../../../worker/page/client/sentences.ts';
import { EventStreamParser } from '../../../../../worker/page/client/server-sent-events.ts';

describe('server-sent events', () => {
  const STREAM =
    ': hello\r\ndata: {"a": 1}\r\n\r\nevent: x\ndata:two\r\ndata:  lines\r\n\r\nid: 5\n\ndata: [DONE]\r\rdata: cut';
  const EVENTS = ['{"a": 1}', 'two\n lines', '[DONE]'];

  it('are parsed however the stream is split', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: STREAM.length })), (cuts) => {
        const parser = new EventStreamParser();
        const ends = [...cuts.toSorted((a, b) => a - b), STREAM.length];
        const events = ends.flatMap((end, i) => parser.push(STREAM.slice(ends[i - 1] ?? 0, end)));
        expect(events).toEqual(EVENTS);
      }),
    );
  });
});

function choice(
  text: string,
  tokens: readonly [name: string, offset: number][],
  end: Partial<Choice> = {},
): Choice {
  return {
    index: 0,
    text,
    logprobs: {
      tokens: tokens.map(([name]) => name),
      token_logprobs: tokens.map((_, i) => -i),
      top_logprobs: tokens.map(([name]) => ({ other: -3, [name]: -1, best: -0.5 })),
      text_offset: tokens.map(([, offset]) => offset),
    },
    finish_reason: null,
    ...end,
  };
}

describe('a text', () => {
  const piecesOf = (text: ChoiceText) =>
    text.pieces.map((piece) => [piece.text, piece.tokens.map(({ name }) => name)]);

  it('has one piece per token', () => {
    const text = new ChoiceText();
    text.add(choice(' a', [[' a', 0]]));
    text.add(choice(' dog', [[' dog', 2]]));
    text.add({ ...choice('', []), finish_reason: 'length', sequences_score: -0.5 });
    expect(piecesOf(text)).toEqual([
      [' a', [' a']],
      [' dog', [' dog']],
    ]);
    expect(text).toMatchObject({ text: ' a dog', finishReason: 'length', score: -0.5 });
    expect(text.tokens[0]?.alternatives.map(({ name }) => name)).toEqual(['best', ' a', 'other']);
  });

  it('has one piece for several tokens that form one character', () => {
    const text = new ChoiceText();
    text.add(choice(' ', [[' ', 0]]));
    text.add(choice('', [['bytes:\\xf0\\x9f', 1]]));
    expect(piecesOf(text)).toEqual([[' ', [' ']]]);
    text.add(choice('🐈', [['bytes:\\x90\\x88', 1]]));
    text.add(choice('!', [['!', 2]]));
    expect(piecesOf(text)).toEqual([
      [' ', [' ']],
      ['🐈', ['bytes:\\xf0\\x9f', 'bytes:\\x90\\x88']],
      ['!', ['!']],
    ]);
  });

  it('has only certain text in its pieces, even if tokens arrive before their text', () => {
    const text = new ChoiceText();
    text.add(choice('', [[' The', 0]]));
    expect(piecesOf(text)).toEqual([]);
    text.add(choice(' Th', [[' end', 4]]));
    expect(piecesOf(text)).toEqual([[' Th', [' The']]]);
    text.add({ ...choice('', []), finish_reason: 'stop' });
    expect(
      piecesOf(text)
        .map(([piece]) => piece)
        .join(''),
    ).toBe(text.text);
  });
});

describe('sentences', () => {
  it('are returned once each, when complete', () => {
    const sentences = new SentenceSplitter();
    expect(sentences.takeComplete('Once upon')).toBe('');
    expect(sentences.takeComplete('Once upon a time. She said, “Hi!” And')).toBe(
      'Once upon a time. She said, “Hi!”',
    );
    expect(sentences.takeComplete('Once upon a time. She said, “Hi!” And then')).toBe('');
    expect(sentences.takeRest('Once upon a time. She said, “Hi!” And then 3.5')).toBe('And then 3.5');
    expect(sentences.takeRest('Once upon a time. She said, “Hi!” And then 3.5')).toBe('');
  });
});

describe('numbers', () => {
  it('are formatted with few digits', () => {
    expect([signed(-1.234), signed(0.5, 1)]).toEqual(['−1.23', '0.5']);
    expect([0, Math.log(0.5), Math.log(0.0002), Math.log(0.9996)].map(percent)).toEqual([
      '100 %',
      '50.0 %',
      '0.020 %',
      '100 %',
    ]);
  });

  it('and white space and the end of text have symbols', () => {
    expect(toVisible(' a\n\t<|endoftext|>')).toBe(' a↵⇥⟨end⟩');
  });

  it('and texts are measured in cells of a monospace font', () => {
    expect(['ab ', '从前', 'é', '🐈!', ''].map(cellWidth)).toEqual([3, 4, 1, 3, 0]);
  });
});
