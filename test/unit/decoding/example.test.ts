/** @module The example of docs/decoding.md, which brings a model of its own. */
import { expect, it } from 'vitest';
import { complete } from '../../../docs/examples/bigram.ts';

it('the example streams its best ending, and finds others', async () => {
  let streamed = '';
  const endings = await complete('the c', (letter) => {
    streamed += letter;
  });
  expect(endings).toHaveLength(3);
  expect(streamed).toBe(endings[0]);
  expect(new Set(endings).size).toBe(3);
  expect(endings[0]).toMatch(/^at/);
});
