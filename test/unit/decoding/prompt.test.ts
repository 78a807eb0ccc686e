/** @module What the model thought of the prompt: `prompt_logprobs`. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeAll } from '../../../decoding/decode.ts';
import { logSoftmax } from '../../../decoding/math/softmax.ts';
import { beams, cases, greedy, isClose, run, sampling } from '../../support/decoding-cases.ts';
import { LookupModel } from '../../support/lookup-model.ts';

const anySearch = fc.oneof(greedy, sampling, beams);

it('is told first, and changes nothing of what follows', async () => {
  await fc.assert(
    fc.asyncProperty(cases(), anySearch, fc.nat({ max: 3 }), async (given, options, prompt_logprobs) => {
      const without = await run(given, options);
      const { events, result } = await run(given, { ...options, prompt_logprobs });
      expect(events.slice(1)).toEqual(without.events);
      expect(result).toEqual(without.result);
      expect(events[0]?.type).toBe('prompt');
      expect(given.model.counts).toMatchObject({ openTrees: 0, nodes: 0 });
    }),
  );
});

it('is what the logits after each beginning of the prompt say, however long it is', async () => {
  const model = new LookupModel({ vocabSize: 9 });
  for (const length of [1, 2, 8, 9, 17, 40]) {
    const prompt = Array.from({ length }, (_, i) => (i * 5 + 1) % 9);
    const { events } = await run({ model, prompt }, { max_new_tokens: 0, prompt_logprobs: 2 });
    const [event] = events;
    if (event?.type !== 'prompt') throw new Error('the prompt was not told of');
    expect(event.logprobs).toHaveLength(length);
    expect(event.logprobs[0]).toBeNull();
    for (const [i, found] of event.logprobs.entries()) {
      if (i === 0) continue;
      const row = model.logitsAfter(prompt.slice(0, i));
      logSoftmax(row);
      expect(isClose(found?.logprob ?? Number.NaN, row[prompt[i] ?? 0] ?? Number.NaN)).toBe(true);
      const likeliest = [...row.keys()].sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0)).slice(0, 2);
      expect(found?.top.map(({ token }) => token)).toEqual(likeliest);
    }
  }
});

it.each([{}, { do_sample: true, num_return_sequences: 3 }, { num_beams: 3, num_return_sequences: 2 }])(
  'without a new token %j returns texts of none, and runs the prompt once',
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
    expect(model.counts).toMatchObject({ rows: 3, mostNodes: 3, openTrees: 0, nodes: 0 });
  },
);
