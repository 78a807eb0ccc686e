/** @module Properties of every beam search. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, decodeAll } from '../../../../decoding/decode.ts';
import { logSoftmax } from '../../../../decoding/math/softmax.ts';
import type { DecodingOptions } from '../../../../decoding/options/options.ts';
import { anyBeams, type Case, cases, frontsOf, isClose, run } from '../../../support/decoding-cases.ts';
import { LookupModel } from '../../../support/lookup-model.ts';

describe('a beam search that is wide enough for every sequence', () => {
  const STEPS = 3;
  interface Scored {
    readonly tokens: readonly number[];
    readonly score: number;
  }

  /** All possible sequences, up to the first end of text or `STEPS` tokens. */
  function allSequences({ model, prompt }: Case, tokens: readonly number[], sum: number): Scored[] {
    if (tokens.length === STEPS || model.eosTokenIds.includes(tokens.at(-1) ?? -1))
      return [{ tokens, score: sum }];
    const row = model.logitsAfter([...prompt, ...tokens]);
    logSoftmax(row);
    return Array.from(row).flatMap((logprob, token) =>
      allSequences({ model, prompt }, [...tokens, token], Math.fround(sum + logprob)),
    );
  }

  it.each([0, 1, -1])('finds all sequences in order, with length_penalty %d', async (length_penalty) => {
    await fc.assert(
      fc.asyncProperty(cases({ min: 3, max: 4 }), async (decodingCase) => {
        const all = allSequences(decodingCase, [], 0)
          .map(({ tokens, score }) => ({ tokens, score: score / tokens.length ** length_penalty }))
          .sort((a, b) => b.score - a.score);
        const num_beams = decodingCase.model.vocabSize ** STEPS;
        const { sequences } = await decodeAll(decodingCase.model, decodingCase.prompt, {
          num_beams,
          num_return_sequences: num_beams,
          max_new_tokens: STEPS,
          length_penalty,
          early_stopping: 'never',
        });
        expect(sequences).toHaveLength(all.length);
        const scoreOf = new Map(all.map(({ tokens, score }) => [tokens.join(), score]));
        for (const [i, { tokens, score }] of sequences.entries()) {
          // Ties may be in either order. A score is a float: 64 and its successor are 7.6e-6 apart.
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

/** Expects the live beams of each group to be sorted by score, best first. */
function expectOrder(live: ReadonlyMap<number, Path>, options: DecodingOptions): void {
  const size = (options.num_beams as number) / (options.num_beam_groups ?? 1);
  for (const [index, { score }] of live) {
    expect(index).toBeLessThan(options.num_beams as number);
    if (index % size > 0) expect(score).toBeLessThanOrEqual(live.get(index - 1)?.score as number);
  }
}

describe('beam search', () => {
  it('returns sequences best first, each with the score that its tokens add up to', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async (decodingCase, options) => {
        const { sequences } = (await run(decodingCase, options)).result;
        expect(sequences.length).toBeGreaterThan(0);
        expect(sequences.length).toBeLessThanOrEqual(options.num_return_sequences as number);
        for (const [i, { tokens, token_logprobs, score }] of sequences.entries()) {
          expect(token_logprobs).toHaveLength(tokens.length);
          const sum = token_logprobs.reduce((a, b) => a + b, 0);
          const expected = sum / tokens.length ** (options.length_penalty as number);
          expect(isClose(expected, score as number), `${expected} is ${score}`).toBe(true);
          if (i > 0) expect(score as number).toBeLessThanOrEqual(sequences[i - 1]?.score as number);
        }
        // Each group may find the same sequence.
        const maxCopies = options.num_beam_groups ?? 1;
        for (const same of Map.groupBy(sequences, ({ tokens }) => tokens.join()).values()) {
          expect(same.length).toBeLessThanOrEqual(maxCopies);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('emits beams that extend the previous ones and lead to every answer', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async (decodingCase, options) => {
        const { events, result } = await run(decodingCase, options);
        let live = new Map<number, Path>();
        const finishedPaths = new Map<string, Path>();
        for (const [i, { step, beams: front }] of frontsOf(events).entries()) {
          expect(step).toBe(i + 1);
          const continued = new Map<number, Path>();
          for (const { group, index, token, parent, logprob, score, finished } of front) {
            const parentPath = step === 1 ? { score: 0, tokens: [], parents: [] } : live.get(parent);
            if (!parentPath) throw new Error(`the previous step had no beam ${parent}`);
            const tokens = [...parentPath.tokens, token];
            const parents = [...parentPath.parents, parent];
            const sum = Math.fround(parentPath.score + logprob);
            if (finished) {
              const divisor = Math.fround(step ** (options.length_penalty as number));
              expect(index).toBeNull();
              expect(score).toBe(Math.fround(sum / divisor));
              finishedPaths.set([group, ...tokens].join(), { score, tokens, parents });
            } else {
              expect(score).toBe(sum);
              if (index !== null) continued.set(index, { score, tokens, parents });
            }
          }
          expectOrder(continued, options);
          live = continued;
        }
        for (const { tokens, score, beam_indices } of result.sequences) {
          const same = [...finishedPaths.values()].filter((path) => path.tokens.join() === tokens.join());
          expect(same.map((path) => [path.score, path.parents])).toContainEqual([score, beam_indices]);
        }
        if (!options.do_sample && options.early_stopping !== true) {
          expect(result.sequences[0]?.score).toBe(
            Math.max(...[...finishedPaths.values()].map(({ score }) => score)),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('evaluates all beams of a step in one call, with at most one row per beam', async () => {
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

  it('returns as many sequences as there are, in order', async () => {
    const model = new LookupModel({ vocabSize: 8 });
    const few = { max_new_tokens: 1, num_beams: 4, num_return_sequences: 4 };
    const search = async (options: DecodingOptions) =>
      (await decodeAll(model, [1], { ...few, ...options })).sequences.map(({ tokens }) => tokens);
    const two = await search({ allowed_token_ids: [5, 3] });
    expect(two.toSorted()).toEqual([[3], [5]]);
    expect(await search({ forced_eos_token_id: 3 })).toEqual([[3]]);
    expect(await search({ do_sample: true, top_h: 0.01 })).toHaveLength(1);
    const groups = { num_beam_groups: 2, diversity_penalty: 1 };
    expect(await search({ ...groups, allowed_token_ids: [5] })).toEqual([[5], [5]]);
  });

  it('of two ends with equal scores takes the one with the lower id, as greedy search does', async () => {
    const model = new LookupModel({ vocabSize: 8, eosTokenIds: [] });
    for (const forced_eos_token_id of [
      [3, 6],
      [6, 3],
    ]) {
      for (const num_beams of [1, 2]) {
        const options = { max_new_tokens: 3, num_beams, forced_eos_token_id };
        const [sequence] = (await decodeAll(model, [1], options)).sequences;
        expect(sequence?.tokens.at(-1)).toBe(3);
      }
    }
  });
});
