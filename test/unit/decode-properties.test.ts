/** @module What holds of every decoding, whatever the model, the prompt and the options. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argmax } from '../../decoding/choose.ts';
import { decode, decodeAll } from '../../decoding/decode.ts';
import type { BeamsEvent, DecodingEvent, DecodingResult, TokenEvent } from '../../decoding/events.ts';
import type { DecodingOptions } from '../../decoding/options.ts';
import { logSoftmax } from '../../decoding/processors/log-softmax.ts';
import { type Candidate, topCandidates } from '../../decoding/top-candidates.ts';
import { LookupModel } from '../support/lookup-model.ts';

const TOLERANCE = 1e-5;

interface Case {
  readonly model: LookupModel;
  readonly prompt: readonly number[];
}

/** A model, new for each run, and a prompt of its vocabulary. */
function cases(vocabulary: { min: number; max: number } = { min: 3, max: 12 }): fc.Arbitrary<Case> {
  return fc.integer(vocabulary).chain((vocabSize) =>
    fc
      .record({
        seed: fc.nat(),
        eosTokenIds: fc.uniqueArray(fc.nat({ max: vocabSize - 1 }), { maxLength: 2 }),
        memory: fc.constantFrom(1, 2, 100),
        prompt: fc.array(fc.nat({ max: vocabSize - 1 }), { minLength: 1, maxLength: 5 }),
      })
      .map(({ prompt, ...options }) => ({ model: new LookupModel({ ...options, vocabSize }), prompt })),
  );
}

/** What may come with any strategy. */
const common = {
  max_new_tokens: fc.integer({ min: 1, max: 8 }),
  repetition_penalty: fc.constantFrom(1, 1.3, 0.8),
  min_new_tokens: fc.constantFrom(0, 2),
  stop_token_ids: fc.constantFrom([], [1]),
  logprobs: fc.constantFrom(undefined, 2),
};
const warpers = {
  temperature: fc.constantFrom(0.5, 1, 1.7),
  top_k: fc.constantFrom(0, 3),
  top_p: fc.constantFrom(1, 0.9),
  renormalize_logits: fc.boolean(),
};
const seed = fc.integer();

const greedy = fc.record(common).map(defined);
const sampling = fc
  .record({ ...common, ...warpers, seed, num_return_sequences: fc.integer({ min: 1, max: 4 }) })
  .map((options) => ({ ...defined(options), do_sample: true }));
const beams = fc
  .record({
    ...common,
    num_beams: fc.integer({ min: 2, max: 5 }),
    num_return_sequences: fc.integer({ min: 1, max: 2 }),
    length_penalty: fc.constantFrom(-1, 0, 0.5, 1, 2),
    early_stopping: fc.constantFrom(true, false, 'never' as const),
  })
  .map(defined);
const beamSampling = fc
  .tuple(beams, fc.record({ ...warpers, seed }))
  .map(([options, sampled]) => ({ ...options, ...sampled, do_sample: true }));
const anyBeams = fc.oneof(beams, beamSampling);
const anyStrategy = fc.oneof(greedy, sampling, anyBeams);

function defined<T extends object>(options: T): DecodingOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

interface Run {
  readonly events: readonly DecodingEvent[];
  readonly result: DecodingResult;
}

async function run({ model, prompt }: Case, options: DecodingOptions): Promise<Run> {
  const events: DecodingEvent[] = [];
  const decoding = decode(model, prompt, options);
  for (;;) {
    const { done, value } = await decoding.next();
    if (done) return { events, result: value };
    events.push(value);
  }
}

function tokensOf(events: readonly DecodingEvent[], sequence: number): TokenEvent[] {
  return events.filter((event) => event.type === 'token').filter((event) => event.sequence === sequence);
}

function frontsOf(events: readonly DecodingEvent[]): BeamsEvent[] {
  return events.filter((event) => event.type === 'beams');
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a));
}

describe('the best candidates', () => {
  const score = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.float({ min: -9, max: 0, noNaN: true }),
    fc.constant(Number.NEGATIVE_INFINITY),
  );

  it('are the first of all, sorted, equal ones by row and token', () => {
    const rows = fc.array(fc.array(score, { minLength: 7, maxLength: 7 }), { minLength: 1, maxLength: 4 });
    const base = fc.array(fc.integer({ min: -2, max: 0 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(rows, base, fc.integer({ min: 1, max: 30 }), (values, bases, count) => {
        const all = values.flatMap((scores, row) =>
          scores.map((value, token): Candidate => {
            return { row, token, score: Math.fround((bases[row] as number) + Math.fround(value)) };
          }),
        );
        const sorted = all
          .filter((candidate) => candidate.score > Number.NEGATIVE_INFINITY)
          .sort((a, b) => b.score - a.score || a.row - b.row || a.token - b.token);
        const found = topCandidates(
          values.map((scores) => Float32Array.from(scores)),
          bases,
          count,
        );
        expect(found).toEqual(sorted.slice(0, count));
      }),
      { numRuns: 1000 },
    );
  });

  it('begin with the argmax', () => {
    fc.assert(
      fc.property(fc.array(score, { minLength: 1, maxLength: 50 }), (values) => {
        const row = Float32Array.from(values);
        const [best] = topCandidates([row], [0], 1);
        expect(best?.token ?? 0).toBe(argmax(row));
      }),
    );
  });
});

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

describe('a beam wide enough for every sequence', () => {
  const STEPS = 3;
  interface Scored {
    readonly tokens: readonly number[];
    readonly score: number;
  }

  /** Every sequence there is: to the first end, or of all steps. */
  function everySequence({ model, prompt }: Case, tokens: readonly number[], sum: number): Scored[] {
    if (tokens.length === STEPS || model.eosTokenIds.includes(tokens.at(-1) ?? -1))
      return [{ tokens, score: sum }];
    const row = model.logitsAfter([...prompt, ...tokens]);
    logSoftmax(row);
    return Array.from(row).flatMap((logprob, token) =>
      everySequence({ model, prompt }, [...tokens, token], Math.fround(sum + logprob)),
    );
  }

  it.each([0, 1, -1])('finds them all, in order, with length_penalty %d', async (length_penalty) => {
    await fc.assert(
      fc.asyncProperty(cases({ min: 3, max: 4 }), async (given) => {
        const all = everySequence(given, [], 0)
          .map(({ tokens, score }) => ({ tokens, score: score / tokens.length ** length_penalty }))
          .sort((a, b) => b.score - a.score);
        const num_beams = given.model.vocabSize ** STEPS;
        const { sequences } = await decodeAll(given.model, given.prompt, {
          num_beams,
          num_return_sequences: num_beams,
          max_new_tokens: STEPS,
          length_penalty,
          early_stopping: 'never',
        });
        expect(sequences).toHaveLength(all.length);
        const scoreOf = new Map(all.map(({ tokens, score }) => [tokens.join(), score]));
        for (const [i, { tokens, score }] of sequences.entries()) {
          expect(score).toBeCloseTo(all[i]?.score as number, 5);
          // Those that tie may stand in either order.
          expect(score).toBeCloseTo(scoreOf.get(tokens.join()) as number, 5);
          scoreOf.delete(tokens.join());
        }
        expect(scoreOf.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('beam search', () => {
  it('gives each sequence the score that its tokens add up to, best first', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async (given, options) => {
        const { sequences } = (await run(given, options)).result;
        expect(sequences.length).toBeGreaterThan(0);
        expect(sequences.length).toBeLessThanOrEqual(options.num_return_sequences as number);
        for (const [i, { tokens, token_logprobs, score }] of sequences.entries()) {
          expect(token_logprobs).toHaveLength(tokens.length);
          const sum = token_logprobs.reduce((a, b) => a + b, 0);
          const expected = sum / tokens.length ** (options.length_penalty as number);
          expect(isClose(expected, score as number), `${expected} is ${score}`).toBe(true);
          if (i > 0) expect(score as number).toBeLessThanOrEqual(sequences[i - 1]?.score as number);
        }
        expect(new Set(sequences.map(({ tokens }) => tokens.join())).size).toBe(sequences.length);
      }),
      { numRuns: 300 },
    );
  });

  it('tells of fronts that follow from one another and have every answer in them', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async (given, options) => {
        const { events, result } = await run(given, options);
        let live: { score: number; tokens: readonly number[] }[] = [{ score: 0, tokens: [] }];
        const ended = new Map<string, number>();
        for (const [i, { step, beams: front }] of frontsOf(events).entries()) {
          expect(step).toBe(i + 1);
          const going: typeof live = [];
          for (const { token, parent, logprob, score, finished } of front) {
            const before = live[parent];
            if (!before) throw new Error(`the step before had no beam ${parent}`);
            const tokens = [...before.tokens, token];
            const sum = Math.fround(before.score + logprob);
            if (finished) {
              const divisor = Math.fround(step ** (options.length_penalty as number));
              expect(score).toBe(Math.fround(sum / divisor));
              ended.set(tokens.join(), score);
            } else {
              // Those that go on come first, best first.
              expect(going).toHaveLength(
                front.findIndex((beam) => beam.token === token && beam.parent === parent),
              );
              expect(score).toBe(sum);
              expect(score).toBeLessThanOrEqual(going.at(-1)?.score ?? 0);
              going.push({ score, tokens });
            }
          }
          expect(going.length).toBeLessThanOrEqual(options.num_beams as number);
          live = going;
        }
        for (const { tokens, score } of result.sequences) expect(ended.get(tokens.join())).toBe(score);
        if (!options.do_sample && options.early_stopping !== true) {
          expect(result.sequences[0]?.score).toBe(Math.max(...ended.values()));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('runs all beams of a step in one call, and no more rows than beams', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async ({ model, prompt }, options) => {
        let rows = prompt.length;
        for await (const event of decode(model, prompt, options)) {
          if (event.type !== 'beams') continue;
          expect(model.counts.evaluateCalls).toBe(event.step);
          expect(model.counts.rows).toBe(rows);
          const live = event.beams.filter(({ finished }) => finished === null).length;
          expect(live).toBeLessThanOrEqual(options.num_beams as number);
          rows += live;
        }
      }),
    );
  });
});

describe('what is streamed', () => {
  it('is each returned sequence in the end, with its probabilities and its reason', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyStrategy, async (given, options) => {
        const { events, result } = await run(given, options);
        const told = (options.num_beams ?? 1) > 1 ? result.sequences.slice(0, 1) : result.sequences;
        for (const [i, { tokens, token_logprobs, finish_reason }] of told.entries()) {
          const streamed = tokensOf(events, i);
          expect(streamed.map(({ token }) => token)).toEqual(tokens);
          expect(streamed.map(({ logprob }) => logprob)).toEqual(token_logprobs);
          expect(streamed.every(({ top }) => (top === undefined) === (options.logprobs === undefined))).toBe(
            true,
          );
          const last = events
            .filter((event) => event.type !== 'beams')
            .filter((event) => event.sequence === i);
          expect(last.at(-1)).toEqual({ type: 'finished', sequence: i, reason: finish_reason });
          expect(last).toHaveLength(tokens.length + 1);
        }
        expect(tokensOf(events, told.length)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('of a beam search is in every beam that goes on', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async (given, options) => {
        const told: number[] = [];
        let live: (readonly number[])[] = [[]];
        for (const event of (await run(given, options)).events) {
          if (event.type === 'token') told.push(event.token);
          if (event.type !== 'beams') continue;
          live = event.beams
            .filter(({ finished }) => finished === null)
            .map(({ parent, token }) => [...(live[parent] as readonly number[]), token]);
          for (const tokens of live) expect(tokens.slice(0, told.length)).toEqual(told);
        }
      }),
    );
  });

  it('of a beam search begins before the search has ended', async () => {
    const model = new LookupModel({ seed: 3, vocabSize: 12, eosTokenIds: [] });
    const { events } = await run({ model, prompt: [1] }, { num_beams: 3, max_new_tokens: 40 });
    const early = events.slice(
      0,
      events.findLastIndex(({ type }) => type === 'beams'),
    );
    expect(tokensOf(early, 0).length).toBeGreaterThan(20);
  });
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
