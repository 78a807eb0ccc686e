/** @module The text of the tokens that end constrained texts. */
import { expect, it } from 'vitest';
import { DEFAULTS } from '../../../../decoding/options/options.ts';
import { constrainedTextEnds } from '../../../../worker/serving/constrained-text-ends.ts';

/** The text of token i is the digit i. */
function textOf(tokens: readonly number[], options: Partial<typeof DEFAULTS>): string {
  const decoder = constrainedTextEnds({ push: String, flush: () => '.' }, { ...DEFAULTS, ...options });
  return tokens.map((token) => decoder.push(token)).join('') + decoder.flush();
}

it.each([
  { options: {}, text: '123.' },
  { options: { eos_token_id: [5, 3] }, text: '12.' },
  { options: { stop_token_ids: [3] }, text: '12.' },
  { options: { eos_token_id: [3], ignore_eos: true }, text: '123.' },
  { options: { stop_token_ids: [3], ignore_eos: true }, text: '12.' },
  { options: { forced_eos_token_id: [3], max_new_tokens: 3 }, text: '12.' },
  { options: { forced_eos_token_id: [3], max_new_tokens: 4 }, text: '123.' },
])('is no part of them: $options', ({ options, text }) => {
  expect(textOf([1, 2, 3], options)).toBe(text);
});
