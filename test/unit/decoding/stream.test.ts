/** @module The streamed events of every strategy. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyBeams, anyStrategy, cases, run, tokensOf } from '../../support/decoding-cases.ts';
import { LookupModel } from '../../support/lookup-model.ts';

describe('the token events', () => {
  it('add up to each returned sequence, with its log-probabilities and finish reason', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyStrategy, async (decodingCase, options) => {
        const { events, result } = await run(decodingCase, options);
        const streamed = (options.num_beams ?? 1) > 1 ? result.sequences.slice(0, 1) : result.sequences;
        for (const [i, { tokens, token_logprobs, model_logprobs, finish_reason }] of streamed.entries()) {
          const emitted = tokensOf(events, i);
          expect(emitted.map(({ token }) => token)).toEqual(tokens);
          expect(emitted.map(({ logprob }) => logprob)).toEqual(token_logprobs);
          expect(emitted.flatMap(({ model }) => model ?? [])).toEqual(model_logprobs ?? []);
          const own = events
            .filter((event) => event.type === 'token' || event.type === 'finished')
            .filter((event) => event.sequence === i);
          expect(own.at(-1)).toEqual({ type: 'finished', sequence: i, reason: finish_reason });
          expect(own).toHaveLength(tokens.length + 1);
        }
        expect(tokensOf(events, streamed.length)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('of a beam search are a prefix of every live beam', async () => {
    await fc.assert(
      fc.asyncProperty(cases(), anyBeams, async (decodingCase, options) => {
        const emitted: number[] = [];
        let live = new Map<number, readonly number[]>();
        for (const event of (await run(decodingCase, options)).events) {
          if (event.type === 'token') emitted.push(event.token);
          if (event.type !== 'beams') continue;
          const entries = event.beams.flatMap(({ index, parent, token }) =>
            index === null ? [] : [[index, [...(live.get(parent) ?? []), token]] as const],
          );
          live = new Map(entries);
          for (const tokens of live.values()) expect(tokens.slice(0, emitted.length)).toEqual(emitted);
        }
      }),
    );
  });

  it('of a beam search begin before the search ends', async () => {
    const model = new LookupModel({ seed: 3, vocabSize: 12, eosTokenIds: [] });
    const { events } = await run({ model, prompt: [1] }, { num_beams: 3, max_new_tokens: 40 });
    const beforeEnd = events.slice(
      0,
      events.findLastIndex(({ type }) => type === 'beams'),
    );
    expect(tokensOf(beforeEnd, 0).length).toBeGreaterThan(20);
  });
});
