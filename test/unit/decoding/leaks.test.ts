/** @module However a decoding ends, the model has everything back; and while it runs it takes no more than it said. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { decode, decodeAll } from '../../../decoding/decode.ts';
import { requiredNodes } from '../../../decoding/options/capacity.ts';
import type { LanguageModel, TokenTree } from '../../../decoding/interface/token-tree.ts';
import { type DecodingOptions, resolveOptions } from '../../../decoding/options/options.ts';
import { LookupModel } from '../../support/lookup-model.ts';

const PROMPT = [1, 2, 3];
const STRATEGIES: Record<string, DecodingOptions> = {
  greedy: {},
  sampling: { do_sample: true, num_return_sequences: 3 },
  'best of': { do_sample: true, best_of: 3 },
  beams: { num_beams: 4, num_return_sequences: 2 },
  'beam sampling': { num_beams: 4, do_sample: true, early_stopping: 'never' },
};
const names = Object.keys(STRATEGIES);
const strategy = fc.record({
  name: fc.constantFrom(...names),
  seed: fc.nat(),
  max_new_tokens: fc.integer({ min: 1, max: 10 }),
});
type Strategy = typeof strategy extends fc.Arbitrary<infer T> ? T : never;

function start({ name, seed, max_new_tokens }: Strategy): { model: LookupModel; options: DecodingOptions } {
  const model = new LookupModel({ seed, eosTokenIds: seed % 2 ? [0] : [] });
  return { model, options: { ...STRATEGIES[name], seed, max_new_tokens } };
}

function expectNothingHeld({ counts }: LookupModel): void {
  expect(counts.nodes).toBe(0);
  expect(counts.openTrees).toBe(0);
}

/** The model, with something before or after each of its evaluate calls. */
function watched(
  model: LookupModel,
  { before, after }: { before?: () => void; after?: () => void },
): LanguageModel {
  return {
    vocabSize: model.vocabSize,
    contextLength: model.contextLength,
    eosTokenIds: model.eosTokenIds,
    open(nodes): TokenTree {
      const tree = model.open(nodes);
      return {
        append: (parent, token) => tree.append(parent, token),
        release: (node) => tree.release(node),
        close: () => tree.close(),
        async evaluate(evaluations) {
          before?.();
          await tree.evaluate(evaluations);
          after?.();
        },
      };
    },
  };
}

/** Takes `count` events, or as many as there are. */
async function take(events: AsyncGenerator<unknown, unknown>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    if ((await events.next()).done) return;
  }
}

describe('the model has everything back', () => {
  it('when a decoding has ended by itself', async () => {
    await fc.assert(
      fc.asyncProperty(strategy, async (given) => {
        const { model, options } = start(given);
        await decodeAll(model, PROMPT, options);
        expectNothingHeld(model);
        expect(model.counts.mostNodes).toBeLessThanOrEqual(
          requiredNodes(PROMPT.length, resolveOptions(options).options),
        );
      }),
    );
  });

  it('when the reader leaves, after however many events', async () => {
    await fc.assert(
      fc.asyncProperty(strategy, fc.nat({ max: 20 }), async (given, count) => {
        const { model, options } = start(given);
        const events = decode(model, PROMPT, options);
        await take(events, count);
        await events.return({ sequences: [], warnings: [] });
        expectNothingHeld(model);
        expect((await events.next()).done).toBe(true);
      }),
    );
  });

  it('when the reader leaves while the next event is on its way', async () => {
    await fc.assert(
      fc.asyncProperty(strategy, fc.nat({ max: 20 }), async (given, count) => {
        const { model, options } = start(given);
        const events = decode(model, PROMPT, options);
        await take(events, count);
        await Promise.all([events.next(), events.return({ sequences: [], warnings: [] })]);
        expectNothingHeld(model);
      }),
    );
  });

  it('when the reader throws into it', async () => {
    await fc.assert(
      fc.asyncProperty(strategy, fc.nat({ max: 20 }), async (given, count) => {
        const { model, options } = start(given);
        const events = decode(model, PROMPT, options);
        await take(events, count);
        await expect(events.throw(new Error('enough'))).rejects.toThrow('enough');
        expectNothingHeld(model);
      }),
    );
  });

  it('when an evaluation fails, before or after its work', async () => {
    await fc.assert(
      fc.asyncProperty(
        strategy,
        fc.integer({ min: 1, max: 10 }),
        fc.constantFrom('before', 'after'),
        async (given, call, when) => {
          const { model, options } = start(given);
          let calls = 0;
          const failing = () => {
            if (++calls === call) throw new Error('out of order');
          };
          const result = decodeAll(watched(model, { [when]: failing }), PROMPT, options);
          const message = await result.then(
            () => undefined,
            (error) => error.message,
          );
          expect(message).toBe(calls >= call ? 'out of order' : undefined);
          expect(calls).toBeLessThanOrEqual(call);
          expectNothingHeld(model);
        },
      ),
    );
  });

  it('when there is a token in the prompt that the model refuses', async () => {
    for (const name of names) {
      const { model, options } = start({ name, seed: 1, max_new_tokens: 3 });
      await expect(decodeAll(model, [1, 99], options)).rejects.toThrow('token 99 is outside the vocabulary');
      expectNothingHeld(model);
    }
  });
});

describe('a signal', () => {
  const reason = new Error('the client has gone');

  it('that is aborted before the start lets nothing begin', async () => {
    for (const name of names) {
      const { model, options } = start({ name, seed: 1, max_new_tokens: 3 });
      const signal = AbortSignal.abort(reason);
      await expect(decodeAll(model, PROMPT, options, { signal })).rejects.toBe(reason);
      expect(model.counts).toMatchObject({ mostNodes: 0, evaluateCalls: 0, openTrees: 0 });
    }
  });

  it('that is aborted between events stops it before the next forward pass', async () => {
    await fc.assert(
      fc.asyncProperty(strategy, fc.nat({ max: 20 }), async (given, count) => {
        const { model, options } = start(given);
        const controller = new AbortController();
        const events = decode(model, PROMPT, options, { signal: controller.signal });
        await take(events, count);
        const { evaluateCalls } = model.counts;
        controller.abort(reason);
        // Unless no pass is left, and what has been found may still be told.
        const error = await take(events, Number.POSITIVE_INFINITY).then(
          () => undefined,
          (error) => error,
        );
        expect([undefined, reason]).toContain(error);
        expect(model.counts.evaluateCalls).toBe(evaluateCalls);
        expectNothingHeld(model);
      }),
      { numRuns: 300 },
    );
  });

  it('that is aborted during a forward pass lets nothing follow it', async () => {
    await fc.assert(
      fc.asyncProperty(strategy, fc.integer({ min: 1, max: 10 }), async (given, call) => {
        const { model, options } = start(given);
        const controller = new AbortController();
        const before = () => {
          if (model.counts.evaluateCalls + 1 === call) controller.abort(reason);
        };
        const result = decodeAll(watched(model, { before }), PROMPT, options, { signal: controller.signal });
        const error = await result.then(
          () => undefined,
          (error) => error,
        );
        expect(error).toBe(controller.signal.aborted ? reason : undefined);
        expect(model.counts.evaluateCalls).toBeLessThanOrEqual(call);
        expectNothingHeld(model);
      }),
    );
  });
});

it('leaving before the first event, nothing has begun', async () => {
  for (const name of names) {
    const { model, options } = start({ name, seed: 1, max_new_tokens: 3 });
    const events = decode(model, PROMPT, options);
    await events.return({ sequences: [], warnings: [] });
    expect(model.counts).toMatchObject({ mostNodes: 0, evaluateCalls: 0, openTrees: 0 });
  }
});

describe('8 beams of 50 tokens after a prompt of 100', () => {
  const STEPS = 50;
  const prompt = Array.from({ length: 100 }, (_, i) => i % 12);
  const most: number[] = [];
  const copies = 8 * (prompt.length + STEPS);

  it.each([1, 2, 3, 4, 5, 6])('hold little more than the prompt once (model %d)', async (seed) => {
    const model = new LookupModel({ seed, vocabSize: 12, contextLength: 256, eosTokenIds: [] });
    await decodeAll(model, prompt, { num_beams: 8, max_new_tokens: STEPS });
    const bound = prompt.length + 8 * (STEPS - 1);
    expect(requiredNodes(100, resolveOptions({ num_beams: 8, max_new_tokens: STEPS }).options)).toBe(bound);
    expect(model.counts.mostNodes).toBeLessThanOrEqual(bound);
    expect(model.counts.mostNodes).toBeLessThan(copies / 4);
    most.push(model.counts.mostNodes);
  });

  afterAll(() => console.log(`nodes held at most: ${most.join(', ')}; 8 copies would be ${copies}`));
});
