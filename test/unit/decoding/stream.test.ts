/** @module What is told while a text is made, whatever the strategy. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyBeams, anyStrategy, cases, run, tokensOf } from '../../support/decoding-cases.ts';
import { LookupModel } from '../../support/lookup-model.ts';

describe('what is streamed', () => {
  it('is each returned sequence in the end, with its probabilities and its reason', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyStrategy, async (given, options) => {
        const { events, result } = await run(given, options);
        const told = (options.num_beams ?? 1) > 1 ? result.sequences.slice(0, 1) : result.sequences;
        for (const [i, { tokens, token_logprobs, model_logprobs, finish_reason }] of told.entries()) {
          const streamed = tokensOf(events, i);
          expect(streamed.map(({ token }) => token)).toEqual(tokens);
          expect(streamed.map(({ logprob }) => logprob)).toEqual(token_logprobs);
          expect(streamed.flatMap(({ model }) => model ?? [])).toEqual(model_logprobs ?? []);
          const last = events
            .filter((event) => event.type === 'token' || event.type === 'finished')
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
        let live = new Map<number, readonly number[]>();
        for (const event of (await run(given, options)).events) {
          if (event.type === 'token') told.push(event.token);
          if (event.type !== 'beams') continue;
          const going = event.beams.flatMap(({ index, parent, token }) =>
            index === null ? [] : [[index, [...(live.get(parent) ?? []), token]] as const],
          );
          live = new Map(going);
          for (const tokens of live.values()) expect(tokens.slice(0, told.length)).toEqual(told);
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
