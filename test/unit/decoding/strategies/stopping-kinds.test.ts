/** @module Stop strings where a token's text depends on the tokens beside it: decoding stops where a stream shows them. */
import { expect, it } from 'vitest';
import { stoppingCriterion } from '../../../../decoding/strategies/stopping.ts';
import type { Tokenizer } from '../../../../tokenizer/tokenizer.ts';
import { loadKind } from '../../../golden/tokenizer-kinds.ts';
import { mulberry32 } from '../../../support/plain-rows.ts';

const SKIP = { skipSpecialTokens: true };

it.each(['bert-cased-vocab-txt', 't5-extra-spiece', 'llama-spm', 'unigram-bytes-json', 'bpe-end-of-word'])(
  'ends the text with the token that completes a stop string: %s',
  async (name) => {
    const tokenizer = await loadKind(name);
    const random = mulberry32(11);
    // Few tokens, so that punctuation and bytes meet often.
    const few = [...tokenizer.encode("a . , ? n't 's ' é☃😀 the", { addSpecialTokens: false })];
    const token = () =>
      random() < 0.7
        ? (few[Math.floor(random() * few.length)] ?? 0)
        : Math.floor(random() * (tokenizer.vocabSize + 3));
    let stopped = 0;
    for (let i = 0; i < 300; i++) {
      const prompt = Array.from({ length: Math.floor(4 * random()) }, token);
      const tokens = Array.from({ length: 1 + Math.floor(30 * random()) }, token);
      const texts = streamed(tokenizer, prompt, tokens);
      const [before = '', text = ''] = tokens.length === 1 ? ['', texts[0]] : texts.slice(-2);
      const at = Math.floor(random() * text.length);
      const stop = text.slice(at, at + 1 + Math.floor(4 * random())) || 'x';
      const isCompleted = text.includes(stop, before.length - stop.length + 1);
      if (isCompleted) stopped++;
      expect([texts, stop, reason(tokenizer, prompt, tokens, stop)]).toEqual([
        texts,
        stop,
        isCompleted ? 'stop' : null,
      ]);
    }
    expect(stopped).toBeGreaterThan(20);
  },
);

function reason(tokenizer: Tokenizer, prompt: readonly number[], tokens: readonly number[], stop: string) {
  const options = { stop: [stop], stop_strings: [], stop_token_ids: [], min_length: 0, min_new_tokens: 0 };
  const length = prompt.length + tokens.length;
  const limits = { eosTokenIds: [], promptLength: prompt.length, maxLength: length + 1 };
  const tokenBytes = (id: number) => tokenizer.tokenBytes(id, SKIP);
  const texts = tokenizer.windows(SKIP);
  const sequence = { tokens: Int32Array.from([...prompt, ...tokens]), length };
  return stoppingCriterion(options, limits, { tokenBytes, texts })(sequence);
}

/** The text after each token, as a stream sends it. */
function streamed(tokenizer: Tokenizer, prompt: readonly number[], tokens: readonly number[]): string[] {
  const decoder = tokenizer.decodersAfter(prompt, SKIP)();
  let text = '';
  return tokens.map((token) => {
    text += decoder.push(token);
    return text;
  });
}
