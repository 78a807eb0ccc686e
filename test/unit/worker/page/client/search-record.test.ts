/** @module What the page keeps of a search: the chunks of its stream, and when they came. */
import { describe, expect, it } from 'vitest';
import type { Choice, Chunk } from '../../../../../worker/page/client/api.ts';
import { toRequest } from '../../../../../worker/page/client/request.ts';
import { SearchRecord } from '../../../../../worker/page/client/search-record.ts';
import { INITIAL, type Settings } from '../../../../../worker/page/client/settings.ts';

const token = (index: number, text: string, end: Partial<Choice> = {}): Chunk => ({
  choices: [
    {
      ...{ index, text, finish_reason: null },
      logprobs: { tokens: [text], token_logprobs: [-1], top_logprobs: [{ [text]: -1 }], text_offset: [0] },
      ...end,
    },
  ],
});
const end = (index: number, sequences_score?: number): Chunk => ({
  choices: [
    {
      ...{ index, text: '', logprobs: null, finish_reason: 'length' as const },
      ...(sequences_score !== undefined && { sequences_score }),
    },
  ],
});
const front = (
  step: number,
  beams: readonly [text: string, score: number, index: number | null][],
): Chunk => ({
  choices: [],
  beams: {
    step,
    front: beams.map(([text, score, index]) => ({
      ...{ text, score, index, group: 0, parent: 0, logprob: -1 },
      finished: index === null ? 'length' : null,
    })),
  },
});
const asking = (settings: Partial<Settings>) => toRequest({ ...INITIAL, ...settings });

describe('a record', () => {
  it('of beams tells the first step from the first token that is certain', () => {
    const record = new SearchRecord(asking({ values: { n: '2' } }), true, 1000);
    record.add(
      front(1, [
        ['a', -1, 0],
        ['b', -2, 1],
      ]),
      1050,
    );
    expect([record.firstStep, record.firstToken, record.speed]).toEqual([1050, null, null]);
    record.add(front(2, [['c', -3, 0]]), 1150);
    record.add(token(0, 'a'), 1151);
    record.add(
      front(3, [
        ['d', -0.5, null],
        ['e', -0.7, null],
      ]),
      1250,
    );
    record.add(end(0, -0.5), 1260);
    record.add(end(1, -0.7), 1260);
    record.finish();
    expect(record).toMatchObject({ firstStep: 1050, firstToken: 1151, lastStep: 1250, state: 'done' });
    // Two steps after the first, in 200 milliseconds.
    expect(record.speed).toBeCloseTo(10);
    expect(record.tree.at(3).map(({ rank }) => rank)).toEqual([1, 2]);
    expect(record.texts.map(({ score }) => score)).toEqual([-0.5, -0.7]);
  });

  it('of samples makes a tree of their tokens', () => {
    const record = new SearchRecord(asking({ search: 'sampling', values: { n: '2' } }), false, 0);
    for (const [index, text] of [
      [0, 'a'],
      [1, 'a'],
      [0, 'b'],
      [1, 'c'],
    ] as const)
      record.add(token(index, text), 10);
    record.add(end(0), 20);
    record.add(
      {
        choices: [],
        usage: { prompt_tokens: 3, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 2 } },
      },
      30,
    );
    expect(record.tree.at(1).map(({ text, branches }) => [text, branches])).toEqual([['a', 2]]);
    expect(record.tree.at(2).map(({ text, finished, live }) => [text, finished, live])).toEqual([
      ['b', 'length', false],
      ['c', null, true],
    ]);
    expect(record.usage?.prompt_tokens).toBe(3);
  });

  it('has a place for each text that is asked for, if it can be', () => {
    const texts = (n: string) =>
      new SearchRecord(asking({ search: 'sampling', values: { n } }), false, 0).texts;
    expect(['3', '-1', '', '1e12', 'x'].map((n) => texts(n).length)).toEqual([3, 1, 1, 128, 1]);
  });
});
