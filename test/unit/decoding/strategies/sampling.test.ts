/** @module Properties of greedy search, sampling and seeds. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argmax } from '../../../../decoding/math/sample-token.ts';
import { logSoftmax } from '../../../../decoding/math/softmax.ts';
import { beamSampling, cases, greedy, isClose, run, sampling } from '../../../support/decoding-cases.ts';
import { LookupModel } from '../../../support/lookup-model.ts';

it('greedy search chooses the likeliest token in every step', async () => {
  await fc.assert(
    fc.asyncProperty(cases(), fc.integer({ min: 1, max: 10 }), async (decodingCase, max_new_tokens) => {
      const { model, prompt } = decodingCase;
      const tokens: number[] = [];
      const logprobs: number[] = [];
      while (tokens.length < max_new_tokens && !model.eosTokenIds.includes(tokens.at(-1) ?? -1)) {
        const row = model.logitsAfter([...prompt, ...tokens]);
        logSoftmax(row);
        tokens.push(argmax(row));
        logprobs.push(Math.max(...row));
      }
      const [sequence] = (await run(decodingCase, { num_beams: 1, max_new_tokens })).result.sequences;
      expect(sequence?.tokens).toEqual(tokens);
      expect(sequence?.score).toBeNull();
      expect(sequence?.token_logprobs.every((logprob, i) => isClose(logprob, logprobs[i] as number))).toBe(
        true,
      );
    }),
  );
});

describe('greedy search and sampling', () => {
  it('have the same prefix with a larger max_new_tokens', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), fc.oneof(greedy, sampling), async (decodingCase, options) => {
        const length = options.max_new_tokens as number;
        const short = (await run(decodingCase, options)).result.sequences;
        const long = (await run(decodingCase, { ...options, max_new_tokens: length + 7 })).result.sequences;
        for (const [i, { tokens, finish_reason }] of short.entries()) {
          expect(long[i]?.tokens.slice(0, tokens.length)).toEqual(tokens);
          if (finish_reason !== 'length') expect(long[i]?.tokens).toHaveLength(tokens.length);
        }
      }),
    );
  });

  it('evaluate all unfinished branches of a step in one call', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), fc.oneof(greedy, sampling), async (decodingCase, options) => {
        const lengths = (await run(decodingCase, options)).result.sequences.map(
          ({ tokens }) => tokens.length,
        );
        const { evaluateCalls, rows } = decodingCase.model.counts;
        expect(evaluateCalls).toBe(Math.max(...lengths));
        expect(rows).toBe(decodingCase.prompt.length + lengths.reduce((sum, length) => sum + length - 1, 0));
      }),
    );
  });
});

describe('a seed', () => {
  const anySampling = fc.oneof(sampling, beamSampling);

  it('reproduces all events and the result', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anySampling, async (decodingCase, options) => {
        expect(await run(decodingCase, options)).toEqual(await run(decodingCase, options));
      }),
    );
  });

  it('gives a branch the same tokens for any number of branches', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), sampling, async (decodingCase, options) => {
        const four = (await run(decodingCase, { ...options, num_return_sequences: 4 })).result.sequences;
        const two = (await run(decodingCase, { ...options, num_return_sequences: 2 })).result.sequences;
        expect(four.slice(0, 2)).toEqual(two);
      }),
    );
  });

  it.each([1, 3])('changes the text, with num_beams %d', async (num_beams) => {
    const decodingCase = { model: new LookupModel({ vocabSize: 12, eosTokenIds: [] }), prompt: [1, 2] };
    const texts = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const options = { do_sample: true, temperature: 2, num_beams, seed, max_new_tokens: 8 };
      for (const { tokens } of (await run(decodingCase, options)).result.sequences) texts.add(tokens.join());
    }
    expect(texts.size).toBeGreaterThan(85);
  });
});
