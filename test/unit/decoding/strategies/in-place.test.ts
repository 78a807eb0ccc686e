/** @module Searches that read lent logits give the results of those that copy them, to the last bit. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Constraint } from '../../../../decoding/constraints/automaton/constraint.ts';
import { compileConstraint } from '../../../../decoding/constraints/compile.ts';
import { decode } from '../../../../decoding/decode.ts';
import type { DecodingEvent, DecodingResult } from '../../../../decoding/interface/events.ts';
import type { LanguageModel } from '../../../../decoding/interface/token-tree.ts';
import { Rows } from '../../../../decoding/math/row-pool.ts';
import { readsInPlace } from '../../../../decoding/options/in-place.ts';
import { type DecodingOptions, resolveOptions } from '../../../../decoding/options/options.ts';
import { wasmPath } from '../../../../engine/kernels/build.ts';
import { Draw } from '../../../support/draw.ts';
import { type GivenRows, modelOfRows, RowMemory } from '../../../support/lending-model.ts';
import { mulberry32 } from '../../../support/plain-rows.ts';
import { vocabularyOf } from '../../../support/random-vocabulary.ts';

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await WebAssembly.compile(await readFile(wasmPath('logits')));
});

const score = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 8, arbitrary: fc.float({ min: -20, max: 20, noNaN: true }) },
  { weight: 2, arbitrary: fc.float({ min: -1000, max: 1000, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, 1e-40, -1e-42, 3e38, -3e38, Number.NEGATIVE_INFINITY) },
);
/** Values that leave a row without a softmax, or without any token. */
const fault = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);

/** Rows of `width` scores, each repeated or shifted by a few bits, so that ties and near ties are common. */
const modelWith = (fault: fc.Arbitrary<number>): fc.Arbitrary<GivenRows> =>
  fc
    .record({
      width: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 41, max: 1500 })),
      scores: fc.array(score, { minLength: 1, maxLength: 60 }),
      faults: fc.option(fc.array(fc.tuple(fc.nat(), fault), { maxLength: 2 }), { freq: 6 }),
      isBanned: fc.integer({ min: 0, max: 60 }).map((n) => n === 0),
      nudge: fc.constantFrom(0, 0, 1e-7, 1e-3, 4),
      eos: fc.nat(),
      seed: fc.nat(),
    })
    .map(({ width, scores, faults, isBanned, nudge, eos, seed }) => ({
      vocabSize: width,
      eosTokenIds: [eos % width],
      logitsAfter(token) {
        if (isBanned) return new Float32Array(width).fill(Number.NEGATIVE_INFINITY);
        const random = mulberry32(seed + token);
        const row = Float32Array.from({ length: width }, () => {
          const base = scores[Math.floor(random() * scores.length)] ?? 0;
          return base * (1 + nudge * random());
        });
        for (const [at, value] of faults ?? []) if (token % 3 === 0) row[at % width] = value;
        return row;
      },
    }));

const model = modelWith(fault);
/** A token that alone is allowed is chosen without its logits, so that it does not matter whether they are numbers. */
const banningModel = modelWith(fc.constant(Number.NEGATIVE_INFINITY));

const warpers = fc.record(
  {
    temperature: fc.oneof(
      fc.float({ min: Math.fround(0.1), max: 3, noNaN: true }),
      fc.constantFrom(1e-5, 1, 1e30),
    ),
    top_k: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 200, max: 1100 })),
    top_p: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.95, 0.999999)),
  },
  { requiredKeys: [] },
);
const greedy = fc.constant<DecodingOptions>({});
const sampling = fc.record({
  kind: fc.constant({ do_sample: true }),
  warpers,
  seed: fc.nat(),
  num_return_sequences: fc.integer({ min: 1, max: 3 }),
});
const beams = fc.record({
  num_beams: fc.integer({ min: 2, max: 6 }),
  num_return_sequences: fc.constantFrom(1, 2),
  length_penalty: fc.constantFrom(1, 0.5, -2),
});
/** They need whole rows. */
const others = fc.record(
  {
    repetition_penalty: fc.constantFrom(0.9, 1.3),
    logprobs: fc.integer({ min: 0, max: 3 }),
    prompt_logprobs: fc.integer({ min: 0, max: 3 }),
  },
  { requiredKeys: [] },
);
const inPlace: fc.Arbitrary<DecodingOptions> = fc.oneof(
  greedy,
  sampling.map(({ kind, warpers, ...rest }) => ({ ...kind, ...warpers, ...rest })),
  beams,
  fc.tuple(beams, warpers, fc.nat()).map(([width, warped, seed]) => ({
    ...width,
    ...warped,
    seed,
    do_sample: true,
  })),
  fc
    .record({ groups: fc.integer({ min: 2, max: 3 }), size: fc.integer({ min: 1, max: 3 }) })
    .chain(({ groups, size }) =>
      fc.record({
        num_beams: fc.constant(groups * size),
        num_beam_groups: fc.constant(groups),
        diversity_penalty: fc.constantFrom(0.5, 1e-3, 1e6),
      }),
    ),
);

const options = fc.oneof(
  { weight: 4, arbitrary: inPlace },
  { weight: 1, arbitrary: fc.tuple(inPlace, others).map(([some, more]) => ({ ...some, ...more })) },
);

/** Parts of expressions, with which few tokens may begin, or most. */
const few = fc.constantFrom('a', 'b', 'abcabc', '[ab]', '(ab|ba|c)', '(a|abc|bc|cab)');
const many = fc.constantFrom('.', '[^a]', '[^]', '[a-z ]', '[^b-y]');
const repeated = fc.constantFrom('', '', '?', '*', '{1,3}');
const pattern = fc
  .array(fc.tuple(fc.oneof(few, many), repeated), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.map(([part, times]) => `(${part})${times}`).join(''));
const constrained = fc.record({
  pattern,
  seed: fc.nat(),
  allow_incomplete: fc.boolean(),
  /** Every byte is a token, or few are, so that no token may be left. */
  isWhole: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
});
const BYTES = 256;
const LETTERS = [...'aaabbcc d'].map((letter) => letter.charCodeAt(0));

/** A constraint over as many tokens, of which the end of text has no bytes. */
function constraintOver(width: number, end: number, { pattern, seed, isWhole }: Constrained): Constraint {
  const draw = new Draw(seed);
  const random = () => Array.from({ length: draw.integer(1, 4) }, () => draw.pick(LETTERS));
  const tokens = Array.from({ length: width }, (_, i) => (isWhole && i < BYTES ? [i] : random()));
  const shuffled = draw.shuffled(tokens);
  shuffled[end] = [];
  return compileConstraint({ type: 'regex', pattern }, vocabularyOf(shuffled).vocabulary);
}

type Constrained = typeof constrained extends fc.Arbitrary<infer T> ? T : never;

/** All events and the result, or the error. Rows without a softmax have scores of NaN, which JSON has not. */
async function outcome(
  given: LanguageModel,
  input: DecodingOptions,
  constraint?: Constraint,
): Promise<string> {
  const events: (DecodingEvent | DecodingResult)[] = [];
  try {
    const generation = decode(given, [0, given.vocabSize - 1], input, { constraint });
    for (;;) {
      const { done, value } = await generation.next();
      events.push(value);
      if (done) break;
    }
  } catch (error) {
    return String(error);
  }
  // Tokens that are chosen without a pass come before those of the next sequence.
  if (constraint) events.sort((a, b) => sequenceOf(a) - sequenceOf(b));
  return JSON.stringify(events, (_, value) =>
    Number.isNaN(value) || Object.is(value, -0) ? `${value}!` : value,
  );
}

function sequenceOf(event: DecodingEvent | DecodingResult): number {
  if ('sequence' in event) return event.sequence;
  return 'sequences' in event ? Infinity : 0;
}

describe('a search that reads lent logits', () => {
  it('has the events and the result of one that copies them', async () => {
    await fc.assert(
      fc.asyncProperty(model, options, async (given, input) => {
        const all = { max_new_tokens: 5, ...input };
        const lent = modelOfRows(given, new RowMemory(module, given.vocabSize));
        expect(await outcome(lent, all)).toBe(await outcome(modelOfRows(given), all));
      }),
      { numRuns: 1500 },
    );
  });

  it('has the events and the result of one that copies them, with a constraint', async () => {
    await fc.assert(
      fc.asyncProperty(banningModel, options, constrained, async (given, input, wanted) => {
        const { allow_incomplete } = wanted;
        const all = { max_new_tokens: 6, ...input, allow_incomplete };
        const constraint = () => constraintOver(given.vocabSize, given.eosTokenIds[0] ?? 0, wanted);
        const lent = modelOfRows(given, new RowMemory(module, given.vocabSize));
        expect(await outcome(lent, all, constraint())).toBe(
          await outcome(modelOfRows(given), all, constraint()),
        );
      }),
      { numRuns: 400 },
    );
  });

  it.each<[string, DecodingOptions]>([
    ['greedy search', {}],
    ['sampling by top-k', { do_sample: true, temperature: 0.7, top_k: 20, top_p: 0.9 }],
    ['sampling by top-p', { do_sample: true, temperature: 0.7, top_p: 0.9 }],
    ['beam search', { num_beams: 4 }],
    ['beam sampling', { num_beams: 4, do_sample: true, temperature: 1.3, top_k: 20, top_p: 0.9 }],
    ['diverse beam search', { num_beams: 4, num_beam_groups: 2, diversity_penalty: 0.5 }],
  ])('copies no row: %s', async (_, input) => {
    const vocabSize = 5000;
    const given: GivenRows = {
      vocabSize,
      eosTokenIds: [0],
      logitsAfter(token) {
        const random = mulberry32(token);
        return Float32Array.from({ length: vocabSize }, () => 20 * random() * random() * random());
      },
    };
    expect(readsInPlace(resolveOptions(input).options)).toBe(true);
    using take = vi.spyOn(Rows.prototype, 'take');
    const lent = await outcome(modelOfRows(given, new RowMemory(module, vocabSize)), input);
    expect(take).not.toHaveBeenCalled();
    expect(lent).toBe(await outcome(modelOfRows(given), input));
  });

  it.each<[string, DecodingOptions]>([
    ['logprobs', { logprobs: 0 }],
    ['a processor', { repetition_penalty: 1.1 }],
    ['a presence penalty', { presence_penalty: 1 }],
    ['beam sampling from any number of tokens', { num_beams: 2, do_sample: true, top_p: 0.9 }],
    ['many candidates', { num_beams: 256, eos_token_id: [1, 2, 3, 4] }],
  ])('needs its rows for %s', (_, input) => {
    expect(readsInPlace(resolveOptions(input).options)).toBe(false);
  });
});
