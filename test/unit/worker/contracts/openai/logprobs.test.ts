/** @module OpenAI's log-probabilities: names, their order, and offsets. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tokenizer } from '../../../../../tokenizer/tokenizer.ts';
import { LogprobEntries } from '../../../../../worker/contracts/openai/logprobs.ts';
import { orderedRecord } from '../../../../../worker/contracts/openai/ordered-record.ts';
import { jsonObject } from '../../../../../worker/http/json-stream.ts';
import { loadTokenizer } from '../../../../golden/tokenizer-golden.ts';

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer('default');
});

const idOf = (text: string) => tokenizer.encode(text)[0] ?? -1;

/** @returns the JSON of the likeliest tokens at the position of `token`, which a stream and a whole answer share */
function topOf(token: number, logprob: number, top: readonly [number, number][], asIds = false): string {
  const model = { logprob, top: top.map(([id, value]) => ({ token: id, logprob: value })) };
  const byName = new LogprobEntries(tokenizer, asIds).top(token, model) ?? new Map();
  const json = JSON.stringify(orderedRecord(byName));
  expect([...jsonObject(byName).pieces()].join('')).toBe(json);
  return json;
}

describe('the likeliest tokens', () => {
  it('are in order of likelihood in JSON, digits too', () => {
    const top: [number, number][] = [
      [idOf('x'), -1],
      [idOf('7'), -2],
      [idOf('0'), -3],
    ];
    expect(topOf(idOf('7'), -2, top)).toBe('{"x":-1,"7":-2,"0":-3}');
    expect(topOf(idOf('1'), -9, top)).toBe('{"x":-1,"7":-2,"0":-3,"1":-9}');
    expect(topOf(idOf('y'), -9, top.slice(0, 1))).toBe('{"x":-1,"y":-9}');
  });

  it('are named by id on request', () => {
    const top: [number, number][] = [[9, -1]];
    expect(topOf(5, -4, top, true)).toBe('{"token_id:9":-1,"token_id:5":-4}');
    expect(new LogprobEntries(tokenizer, true).name(5)).toBe('token_id:5');
  });

  it('beyond the tokenizer’s vocabulary share the empty name: the chosen one, or the likeliest', () => {
    const { vocabSize } = tokenizer;
    const top: [number, number][] = [
      [vocabSize, -1],
      [vocabSize + 1, -2],
    ];
    expect(topOf(vocabSize + 1, -2, top)).toBe('{"":-2}');
    expect(topOf(vocabSize + 2, -3, top)).toBe('{"":-3}');
    expect(topOf(idOf('x'), -3, top)).toBe('{"":-1,"x":-3}');
  });
});

it('an ordered record is an object like any other', () => {
  const record = orderedRecord(new Map(['b', '1', '0'].map((name, i) => [name, i])));
  expect(Object.entries(record)).toEqual([
    ['b', 0],
    ['1', 1],
    ['0', 2],
  ]);
  expect({ ...record }).toEqual({ b: 0, 1: 1, 0: 2 });
  expect(JSON.stringify({ record })).toBe('{"record":{"b":0,"1":1,"0":2}}');
});

it('offsets count code points, and U+FFFD of invalid bytes', () => {
  const byte = (value: number) => {
    for (let id = 0; id < 256; id++) if (tokenizer.tokenBytes(id)[0] === value) return id;
    throw new Error(`no token is the byte ${value}`);
  };
  const offsets = new LogprobEntries(tokenizer, false).offsetsAfter({ ids: [], text: '' });
  const found: number[] = [];
  const add = (...tokens: number[]) => {
    for (const token of tokens) found.push(offsets.next(token));
  };
  add(...tokenizer.encode('\u{10fffd}'), byte(0x61), byte(0xe2), byte(0x62));
  // The prompt ends within a character: the text of the answer is decoded on its own.
  add(byte(0xe2));
  offsets.endPrompt();
  add(byte(0x82), tokenizer.vocabSize, byte(0x63));
  expect(found).toEqual([0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 6]);
});
