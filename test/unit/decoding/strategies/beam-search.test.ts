/** @module What holds of every beam search. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, decodeAll } from '../../../../decoding/decode.ts';
import { logSoftmax } from '../../../../decoding/math/softmax.ts';
import type { DecodingOptions } from '../../../../decoding/options/options.ts';
import { anyBeams, type Case, cases, frontsOf, isClose, run } from '../../../support/decoding-cases.ts';

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
          // Those that tie may stand in either order. A score is a float: 64 and the next one are 7.6e-6 apart.
          for (const expected of [all[i]?.score, scoreOf.get(tokens.join())]) {
            expect(isClose(score as number, expected as number), `${score} is ${expected}`).toBe(true);
          }
          scoreOf.delete(tokens.join());
        }
        expect(scoreOf.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

interface Path {
  readonly score: number;
  readonly tokens: readonly number[];
  readonly parents: readonly number[];
}

/** Of each group the best first, numbered from the group's first number on. */
function expectOrder(going: ReadonlyMap<number, Path>, options: DecodingOptions): void {
  const size = (options.num_beams as number) / (options.num_beam_groups ?? 1);
  for (const [index, { score }] of going) {
    expect(index).toBeLessThan(options.num_beams as number);
    if (index % size > 0) expect(score).toBeLessThanOrEqual(going.get(index - 1)?.score as number);
  }
}

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
        // Two groups may find the same.
        const most = options.num_beam_groups ?? 1;
        for (const same of Map.groupBy(sequences, ({ tokens }) => tokens.join()).values()) {
          expect(same.length).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('tells of fronts that follow from one another and have every answer in them', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async (given, options) => {
        const { events, result } = await run(given, options);
        let live = new Map<number, Path>();
        const ended = new Map<string, Path>();
        for (const [i, { step, beams: front }] of frontsOf(events).entries()) {
          expect(step).toBe(i + 1);
          const going = new Map<number, Path>();
          for (const { group, index, token, parent, logprob, score, finished } of front) {
            const before = step === 1 ? { score: 0, tokens: [], parents: [] } : live.get(parent);
            if (!before) throw new Error(`the step before had no beam ${parent}`);
            const tokens = [...before.tokens, token];
            const parents = [...before.parents, parent];
            const sum = Math.fround(before.score + logprob);
            if (finished) {
              const divisor = Math.fround(step ** (options.length_penalty as number));
              expect(index).toBeNull();
              expect(score).toBe(Math.fround(sum / divisor));
              ended.set([group, ...tokens].join(), { score, tokens, parents });
            } else {
              expect(score).toBe(sum);
              if (index !== null) going.set(index, { score, tokens, parents });
            }
          }
          expectOrder(going, options);
          live = going;
        }
        for (const { tokens, score, beam_indices } of result.sequences) {
          const same = [...ended.values()].filter((path) => path.tokens.join() === tokens.join());
          expect(same.map((path) => [path.score, path.parents])).toContainEqual([score, beam_indices]);
        }
        if (!options.do_sample && options.early_stopping !== true) {
          expect(result.sequences[0]?.score).toBe(Math.max(...[...ended.values()].map(({ score }) => score)));
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
          const live = event.beams.filter(({ index }) => index !== null).length;
          expect(live).toBeLessThanOrEqual(options.num_beams as number);
          rows += live;
        }
      }),
    );
  });
});
