/** @module A decoding frees all nodes however it ends, and never uses more than it reserved. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { decode, decodeAll } from '../../../decoding/decode.ts';
import type { LanguageModel, TokenTree } from '../../../decoding/interface/token-tree.ts';
import { requiredNodes } from '../../../decoding/options/capacity.ts';
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
const setups = fc.record({
  name: fc.constantFrom(...names),
  seed: fc.nat(),
  max_new_tokens: fc.integer({ min: 1, max: 10 }),
});
type Setup = typeof setups extends fc.Arbitrary<infer T> ? T : never;

function prepare({ name, seed, max_new_tokens }: Setup): { model: LookupModel; options: DecodingOptions } {
  const model = new LookupModel({ seed, eosTokenIds: seed % 2 ? [0] : [] });
  return { model, options: { ...STRATEGIES[name], seed, max_new_tokens } };
}

function expectNoNodes({ counts }: LookupModel): void {
  expect(counts.nodes).toBe(0);
  expect(counts.openTrees).toBe(0);
}

/** The model with hooks before and after each evaluate call. */
function withHooks(
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

/** Reads up to `count` events. */
async function read(events: AsyncGenerator<unknown, unknown>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    if ((await events.next()).done) return;
  }
}

describe('all nodes are freed', () => {
  it('when decoding completes', async () => {
    await fc.assert(
      fc.asyncProperty(setups, async (setup) => {
        const { model, options } = prepare(setup);
        await decodeAll(model, PROMPT, options);
        expectNoNodes(model);
        expect(model.counts.maxNodes).toBeLessThanOrEqual(
          requiredNodes(PROMPT.length, resolveOptions(options).options),
        );
      }),
    );
  });

  it('when the reader returns after any number of events', async () => {
    await fc.assert(
      fc.asyncProperty(setups, fc.nat({ max: 20 }), async (setup, count) => {
        const { model, options } = prepare(setup);
        const events = decode(model, PROMPT, options);
        await read(events, count);
        await events.return({ sequences: [], warnings: [] });
        expectNoNodes(model);
        expect((await events.next()).done).toBe(true);
      }),
    );
  });

  it('when the reader returns while the next event is pending', async () => {
    await fc.assert(
      fc.asyncProperty(setups, fc.nat({ max: 20 }), async (setup, count) => {
        const { model, options } = prepare(setup);
        const events = decode(model, PROMPT, options);
        await read(events, count);
        await Promise.all([events.next(), events.return({ sequences: [], warnings: [] })]);
        expectNoNodes(model);
      }),
    );
  });

  it('when the reader throws into the generator', async () => {
    await fc.assert(
      fc.asyncProperty(setups, fc.nat({ max: 20 }), async (setup, count) => {
        const { model, options } = prepare(setup);
        const events = decode(model, PROMPT, options);
        await read(events, count);
        await expect(events.throw(new Error('enough'))).rejects.toThrow('enough');
        expectNoNodes(model);
      }),
    );
  });

  it('when an evaluation fails before or after the forward pass', async () => {
    await fc.assert(
      fc.asyncProperty(
        setups,
        fc.integer({ min: 1, max: 10 }),
        fc.constantFrom('before', 'after'),
        async (setup, call, when) => {
          const { model, options } = prepare(setup);
          let calls = 0;
          const failing = () => {
            if (++calls === call) throw new Error('out of order');
          };
          const result = decodeAll(withHooks(model, { [when]: failing }), PROMPT, options);
          const message = await result.then(
            () => undefined,
            (error) => error.message,
          );
          expect(message).toBe(calls >= call ? 'out of order' : undefined);
          expect(calls).toBeLessThanOrEqual(call);
          expectNoNodes(model);
        },
      ),
    );
  });

  it('when the prompt has a token outside the vocabulary', async () => {
    for (const name of names) {
      const { model, options } = prepare({ name, seed: 1, max_new_tokens: 3 });
      await expect(decodeAll(model, [1, 99], options)).rejects.toThrow('token 99 is outside the vocabulary');
      expectNoNodes(model);
    }
  });
});

describe('a signal', () => {
  const reason = new Error('the client has gone');

  it('aborted before the start prevents any work', async () => {
    for (const name of names) {
      const { model, options } = prepare({ name, seed: 1, max_new_tokens: 3 });
      const signal = AbortSignal.abort(reason);
      await expect(decodeAll(model, PROMPT, options, { signal })).rejects.toBe(reason);
      expect(model.counts).toMatchObject({ maxNodes: 0, evaluateCalls: 0, openTrees: 0 });
    }
  });

  it('aborted between events stops before the next forward pass', async () => {
    await fc.assert(
      fc.asyncProperty(setups, fc.nat({ max: 20 }), async (setup, count) => {
        const { model, options } = prepare(setup);
        const controller = new AbortController();
        const events = decode(model, PROMPT, options, { signal: controller.signal });
        await read(events, count);
        const { evaluateCalls } = model.counts;
        controller.abort(reason);
        // Without another pass the remaining events may still be emitted.
        const error = await read(events, Number.POSITIVE_INFINITY).then(
          () => undefined,
          (error) => error,
        );
        expect([undefined, reason]).toContain(error);
        expect(model.counts.evaluateCalls).toBe(evaluateCalls);
        expectNoNodes(model);
      }),
      { numRuns: 300 },
    );
  });

  it('aborted during a forward pass prevents another one', async () => {
    await fc.assert(
      fc.asyncProperty(setups, fc.integer({ min: 1, max: 10 }), async (setup, call) => {
        const { model, options } = prepare(setup);
        const controller = new AbortController();
        const before = () => {
          if (model.counts.evaluateCalls + 1 === call) controller.abort(reason);
        };
        const result = decodeAll(withHooks(model, { before }), PROMPT, options, {
          signal: controller.signal,
        });
        const error = await result.then(
          () => undefined,
          (error) => error,
        );
        expect(error).toBe(controller.signal.aborted ? reason : undefined);
        expect(model.counts.evaluateCalls).toBeLessThanOrEqual(call);
        expectNoNodes(model);
      }),
    );
  });
});

it('no work starts when the reader returns before the first event', async () => {
  for (const name of names) {
    const { model, options } = prepare({ name, seed: 1, max_new_tokens: 3 });
    const events = decode(model, PROMPT, options);
    await events.return({ sequences: [], warnings: [] });
    expect(model.counts).toMatchObject({ maxNodes: 0, evaluateCalls: 0, openTrees: 0 });
  }
});

describe('8 beams of 50 tokens after a prompt of 100', () => {
  const STEPS = 50;
  const prompt = Array.from({ length: 100 }, (_, i) => i % 12);
  const maxima: number[] = [];
  const unshared = 8 * (prompt.length + STEPS);

  it.each([1, 2, 3, 4, 5, 6])('need little more than the prompt once (model %d)', async (seed) => {
    const model = new LookupModel({ seed, vocabSize: 12, contextLength: 256, eosTokenIds: [] });
    await decodeAll(model, prompt, { num_beams: 8, max_new_tokens: STEPS });
    const bound = prompt.length + 8 * (STEPS - 1);
    expect(requiredNodes(100, resolveOptions({ num_beams: 8, max_new_tokens: STEPS }).options)).toBe(bound);
    expect(model.counts.maxNodes).toBeLessThanOrEqual(bound);
    expect(model.counts.maxNodes).toBeLessThan(unshared / 4);
    maxima.push(model.counts.maxNodes);
  });

  afterAll(() => console.log(`maximum nodes: ${maxima.join(', ')}; 8 copies would be ${unshared}`));
});
