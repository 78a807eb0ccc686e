/** @module What holds of greedy search, of sampling, and of seeds. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logSoftmax } from '../../../../decoding/math/softmax.ts';
import { argmax } from '../../../../decoding/math/sample-token.ts';
import { beamSampling, cases, greedy, isClose, run, sampling } from '../../../support/decoding-cases.ts';
import { LookupModel } from '../../../support/lookup-model.ts';

it('one beam takes the likeliest token each time', async () => {
  await fc.assert(
    fc.asyncProperty(cases(), fc.integer({ min: 1, max: 10 }), async (given, max_new_tokens) => {
      const { model, prompt } = given;
      const tokens: number[] = [];
      const logprobs: number[] = [];
      while (tokens.length < max_new_tokens && !model.eosTokenIds.includes(tokens.at(-1) ?? -1)) {
        const row = model.logitsAfter([...prompt, ...tokens]);
        logSoftmax(row);
        tokens.push(argmax(row));
        logprobs.push(Math.max(...row));
      }
      const [sequence] = (await run(given, { num_beams: 1, max_new_tokens })).result.sequences;
      expect(sequence?.tokens).toEqual(tokens);
      expect(sequence?.score).toBeNull();
      expect(sequence?.token_logprobs.every((logprob, i) => isClose(logprob, logprobs[i] as number))).toBe(
        true,
      );
    }),
  );
});

describe('greedy search and sampling', () => {
  it('with a longer max_new_tokens begin the same', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), fc.oneof(greedy, sampling), async (given, options) => {
        const length = options.max_new_tokens as number;
        const short = (await run(given, options)).result.sequences;
        const long = (await run(given, { ...options, max_new_tokens: length + 7 })).result.sequences;
        for (const [i, { tokens, finish_reason }] of short.entries()) {
          expect(long[i]?.tokens.slice(0, tokens.length)).toEqual(tokens);
          if (finish_reason !== 'length') expect(long[i]?.tokens).toHaveLength(tokens.length);
        }
      }),
    );
  });

  it('run all branches of a step in one call, without those that have ended', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), fc.oneof(greedy, sampling), async (given, options) => {
        const lengths = (await run(given, options)).result.sequences.map(({ tokens }) => tokens.length);
        const { evaluateCalls, rows } = given.model.counts;
        expect(evaluateCalls).toBe(Math.max(...lengths));
        expect(rows).toBe(given.prompt.length + lengths.reduce((sum, length) => sum + length - 1, 0));
      }),
    );
  });
});

describe('a seed', () => {
  const anySampling = fc.oneof(sampling, beamSampling);

  it('repeats everything', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anySampling, async (given, options) => {
        expect(await run(given, options)).toEqual(await run(given, options));
      }),
    );
  });

  it('gives a branch the same tokens however many branches there are', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), sampling, async (given, options) => {
        const four = (await run(given, { ...options, num_return_sequences: 4 })).result.sequences;
        const two = (await run(given, { ...options, num_return_sequences: 2 })).result.sequences;
        expect(four.slice(0, 2)).toEqual(two);
      }),
    );
  });

  it.each([1, 3])('makes a difference, with num_beams %d', async (num_beams) => {
    const given = { model: new LookupModel({ vocabSize: 12, eosTokenIds: [] }), prompt: [1, 2] };
    const texts = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const options = { do_sample: true, temperature: 2, num_beams, seed, max_new_tokens: 8 };
      for (const { tokens } of (await run(given, options)).result.sequences) texts.add(tokens.join());
    }
    expect(texts.size).toBeGreaterThan(85);
  });
});
