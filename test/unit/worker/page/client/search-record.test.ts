/** @module The page's record of a search: its texts, tree and times, from the chunks of the stream. */
import { describe, expect, it } from 'vitest';
import type { Choice, Chunk } from '../../../../../worker/page/client/api.ts';
import { toRequest } from '../../../../../worker/page/client/request.ts';
import { SearchRecord } from '../../../../../worker/page/client/search-record.ts';
import { INITIAL_SETTINGS, type Settings } from '../../../../../worker/page/client/settings.ts';

const tokenChunk = (index: number, text: string, overrides: Partial<Choice> = {}): Chunk => ({
  choices: [
    {
      ...{ index, text, finish_reason: null },
      logprobs: { tokens: [text], token_logprobs: [-1], top_logprobs: [{ [text]: -1 }], text_offset: [0] },
      ...overrides,
    },
  ],
});
const endChunk = (index: number, sequences_score?: number): Chunk => ({
  choices: [
    {
      ...{ index, text: '', logprobs: null, finish_reason: 'length' as const },
      ...(sequences_score !== undefined && { sequences_score }),
    },
  ],
});
const beamsChunk = (
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
const requestOf = (settings: Partial<Settings>) => toRequest({ ...INITIAL_SETTINGS, ...settings });

describe('a record', () => {
  it('of beams has the times of the first step and of the first certain token', () => {
    const record = new SearchRecord(requestOf({ values: { n: '2' } }), true, 1000);
    record.add(
      beamsChunk(1, [
        ['a', -1, 0],
        ['b', -2, 1],
      ]),
      1050,
    );
    expect([record.firstStepAt, record.firstTokenAt, record.speed]).toEqual([1050, null, null]);
    record.add(beamsChunk(2, [['c', -3, 0]]), 1150);
    record.add(tokenChunk(0, 'a'), 1151);
    record.add(
      beamsChunk(3, [
        ['d', -0.5, null],
        ['e', -0.7, null],
      ]),
      1250,
    );
    record.add(endChunk(0, -0.5), 1260);
    record.add(endChunk(1, -0.7), 1260);
    record.finish();
    expect(record).toMatchObject({ firstStepAt: 1050, firstTokenAt: 1151, lastStepAt: 1250, state: 'done' });
    // Two steps after the first, in 200 milliseconds.
    expect(record.speed).toBeCloseTo(10);
    expect(record.tree.nodesAt(3).map(({ rank }) => rank)).toEqual([1, 2]);
    expect(record.texts.map(({ score }) => score)).toEqual([-0.5, -0.7]);
  });

  it('of samples builds a tree of their tokens', () => {
    const record = new SearchRecord(requestOf({ search: 'sampling', values: { n: '2' } }), false, 0);
    for (const [index, text] of [
      [0, 'a'],
      [1, 'a'],
      [0, 'b'],
      [1, 'c'],
    ] as const)
      record.add(tokenChunk(index, text), 10);
    record.add(endChunk(0), 20);
    record.add(
      {
        choices: [],
        usage: { prompt_tokens: 3, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 2 } },
      },
      30,
    );
    expect(record.tree.nodesAt(1).map(({ text, branches }) => [text, branches])).toEqual([['a', 2]]);
    expect(record.tree.nodesAt(2).map(({ text, finished, active }) => [text, finished, active])).toEqual([
      ['b', 'length', false],
      ['c', null, true],
    ]);
    expect(record.usage?.prompt_tokens).toBe(3);
  });

  it('has the newest count of resets', () => {
    const record = new SearchRecord(requestOf({ search: 'greedy' }), false, 0);
    expect(record.resets).toBe(0);
    record.add({ ...tokenChunk(0, 'a'), context_resets: 1 }, 10);
    record.add({ ...endChunk(0), context_resets: 3 }, 20);
    record.add({ choices: [] }, 30);
    expect(record.resets).toBe(3);
  });

  it('allocates the requested number of texts, within the limits of the API', () => {
    const texts = (n: string) =>
      new SearchRecord(requestOf({ search: 'sampling', values: { n } }), false, 0).texts;
    expect(['3', '-1', '', '1e12', 'x'].map((n) => texts(n).length)).toEqual([3, 1, 1, 128, 1]);
  });
});
