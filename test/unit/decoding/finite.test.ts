/** @module Every number that decoding reports is finite, also at the ends of the options' ranges. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NoTokenLeftError } from '../../../decoding/interface/errors.ts';
import { exponentialDecayLengthPenalty } from '../../../decoding/processors/length.ts';
import { anyStrategy, cases, type Run, run } from '../../support/decoding-cases.ts';

/** One end of the range of each option that scales or shifts scores, or a usual value. */
const ends = fc.record(
  {
    length_penalty: fc.constantFrom(-10, 10, -9.5),
    repetition_penalty: fc.constantFrom(1e-6, 1e6),
    sequence_bias: fc
      .array(
        fc.tuple(fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 2 }), fc.constantFrom(1e9, -1e9, 1)),
        { maxLength: 4 },
      )
      .map((biases) => biases as [number[], number][]),
    logit_bias: fc.dictionary(fc.constantFrom('0', '1', '2'), fc.constantFrom(1e9, -1e9)),
    exponential_decay_length_penalty: fc.tuple(
      fc.constantFrom(0, 1),
      fc.constantFrom(1e308, -1e308, 1e40, 0, 2),
    ),
    frequency_penalty: fc.constantFrom(-2, 2),
    remove_invalid_values: fc.constant(true),
    suppress_tokens: fc.constantFrom<number[][]>([1], [0, 2]),
    bad_words_ids: fc.constantFrom<number[][][]>([[0], [1]], [[0], [1], [2]]),
    forced_eos_token_id: fc.constantFrom<(number | number[])[]>(1, [1, 2]),
    renormalize_logits: fc.boolean(),
  },
  { requiredKeys: [] },
);

function* numbersIn(value: unknown): Generator<number> {
  if (typeof value === 'number') yield value;
  else if (typeof value === 'object' && value)
    for (const part of Object.values(value)) yield* numbersIn(part);
}

it('at random options', async () => {
  let decoded = 0;
  await fc.assert(
    fc.asyncProperty(cases(), anyStrategy, ends, async (decodingCase, strategy, extremes) => {
      const groups = strategy.num_beam_groups ? { diversity_penalty: 1e9 } : {};
      let result: Run;
      try {
        result = await run(decodingCase, { ...strategy, ...groups, ...extremes });
      } catch (error) {
        if (error instanceof NoTokenLeftError) return;
        if (error instanceof RangeError && error.message.includes("'forced_eos_token_id' must")) return;
        throw error;
      }
      decoded++;
      for (const number of numbersIn(result)) expect(Number.isFinite(number), String(number)).toBe(true);
    }),
    { numRuns: 1500 },
  );
  expect(decoded).toBeGreaterThan(500);
});

it('where the factor of the decay overflows', () => {
  const decay = exponentialDecayLengthPenalty([0, 1e200], 0, [0, 1]);
  const scores = Float32Array.of(-2, 0, -1);
  decay(scores, { tokens: new Int32Array(3), length: 3 });
  expect([...scores]).toEqual([Math.fround(1e25), 0, -1]);
});
