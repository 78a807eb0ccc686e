/** @module The example of docs/decoding.md: decoding with another model. */
import { expect, it } from 'vitest';
import { complete } from '../../../docs/examples/bigram.ts';

it('the example streams the best ending and returns three different ones', async () => {
  let streamed = '';
  const endings = await complete('the c', (letter) => {
    streamed += letter;
  });
  expect(endings).toHaveLength(3);
  expect(streamed).toBe(endings[0]);
  expect(new Set(endings).size).toBe(3);
  expect(endings[0]).toMatch(/^at/);
});
