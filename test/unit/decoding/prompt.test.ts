/** @module Log-probabilities of the prompt: `prompt_logprobs`. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeAll } from '../../../decoding/decode.ts';
import { logSoftmax } from '../../../decoding/math/softmax.ts';
import { beams, cases, greedy, isClose, run, sampling } from '../../support/decoding-cases.ts';
import { LookupModel } from '../../support/lookup-model.ts';

const anySearch = fc.oneof(greedy, sampling, beams);

it('the prompt event comes first and does not change the other events', async () => {
  await fc.assert(
    fc.asyncProperty(
      cases(),
      anySearch,
      fc.nat({ max: 3 }),
      async (decodingCase, options, prompt_logprobs) => {
        const without = await run(decodingCase, options);
        const { events, result } = await run(decodingCase, { ...options, prompt_logprobs });
        expect(events.slice(1)).toEqual(without.events);
        expect(result).toEqual(without.result);
        expect(events[0]?.type).toBe('prompt');
        expect(decodingCase.model.counts).toMatchObject({ openTrees: 0, nodes: 0 });
      },
    ),
  );
});

it('prompt log-probabilities equal the log-softmax after each prefix, for any prompt length', async () => {
  const model = new LookupModel({ vocabSize: 9 });
  for (const length of [1, 2, 8, 9, 17, 40]) {
    const prompt = Array.from({ length }, (_, i) => (i * 5 + 1) % 9);
    const { events } = await run({ model, prompt }, { max_new_tokens: 0, prompt_logprobs: 2 });
    const [event] = events;
    if (event?.type !== 'prompt') throw new Error('no prompt event');
    expect(event.logprobs).toHaveLength(length);
    expect(event.logprobs[0]).toBeNull();
    for (const [i, actual] of event.logprobs.entries()) {
      if (i === 0) continue;
      const row = model.logitsAfter(prompt.slice(0, i));
      logSoftmax(row);
      expect(isClose(actual?.logprob ?? Number.NaN, row[prompt[i] ?? 0] ?? Number.NaN)).toBe(true);
      const likeliest = [...row.keys()].sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0)).slice(0, 2);
      expect(actual?.top.map(({ token }) => token)).toEqual(likeliest);
    }
  }
});

it.each([{}, { do_sample: true, num_return_sequences: 3 }, { num_beams: 3, num_return_sequences: 2 }])(
  'with max_new_tokens 0, %j returns empty texts and evaluates the prompt once',
  async (options) => {
    const model = new LookupModel();
    const { sequences } = await decodeAll(model, [1, 2, 3], { ...options, max_new_tokens: 0, logprobs: 1 });
    expect(sequences).toHaveLength(options.num_return_sequences ?? 1);
    for (const sequence of sequences) {
      expect(sequence).toMatchObject({
        tokens: [],
        finish_reason: 'length',
        token_logprobs: [],
        model_logprobs: [],
      });
    }
    expect(model.counts).toMatchObject({ rows: 3, maxNodes: 3, openTrees: 0, nodes: 0 });
  },
);
