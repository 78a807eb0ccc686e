/**
 * @module Texts longer than the context: each search finds what it finds with a model of any context whose logits are
 * those after the tokens in view, within the nodes that it has reserved.
 */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileConstraint } from '../../../decoding/constraints/compile.ts';
import { type DecodingContext, decode, decodeAll } from '../../../decoding/decode.ts';
import type { DecodingEvent, DecodingResult } from '../../../decoding/interface/events.ts';
import type { LanguageModel } from '../../../decoding/interface/token-tree.ts';
import { requiredNodes } from '../../../decoding/options/capacity.ts';
import { contextWindow } from '../../../decoding/options/context-window.ts';
import { type DecodingOptions, resolveOptions } from '../../../decoding/options/options.ts';
import { wasmPath } from '../../../engine/kernels/build.ts';
import { RowMemory } from '../../support/lending-model.ts';
import { LookupModel, type LookupOptions } from '../../support/lookup-model.ts';
import { vocabularyOf } from '../../support/random-vocabulary.ts';

/** The first ends the text. */
const TOKENS = ['', 'a', 'b', 'c', 'd', 'e', 'f', 'g'];

let memory: RowMemory;
beforeAll(async () => {
  memory = new RowMemory(await WebAssembly.compile(await readFile(wasmPath('logits'))), TOKENS.length);
});

/** Token by token, as a reader would do it by hand. */
function viewOf(text: readonly number[], { size, keep, discard }: Window): number[] {
  const view: number[] = [];
  for (const token of text) {
    if (view.length === size) view.splice(keep, discard);
    view.push(token);
  }
  return view;
}

interface Window {
  readonly size: number;
  readonly keep: number;
  readonly discard: number;
}

class LongModel extends LookupModel {
  readonly #window: Window;

  constructor(options: LookupOptions, window: Window) {
    super({ ...options, contextLength: 10_000 });
    this.#window = window;
  }

  override logitsAfter(path: readonly number[]): Float32Array {
    return super.logitsAfter(viewOf(path, this.#window));
  }
}

const SEARCHES: Record<string, DecodingOptions> = {
  greedy: {},
  sampling: { do_sample: true, num_return_sequences: 3 },
  'sampling in rows': { do_sample: true, num_return_sequences: 2, logprobs: 1 },
  'best of': { do_sample: true, best_of: 3 },
  beams: { num_beams: 4, num_return_sequences: 2 },
  'beams to the end': { num_beams: 3, early_stopping: 'never', length_penalty: 2 },
  'diverse beams': { num_beams: 4, num_beam_groups: 2, diversity_penalty: 0.5 },
  'beam sampling': { num_beams: 3, do_sample: true, top_k: 2, num_return_sequences: 3 },
};
const PROCESSORS: readonly DecodingOptions[] = [
  {},
  {},
  { repetition_penalty: 1.3 },
  { no_repeat_ngram_size: 3 },
  { frequency_penalty: 0.4, presence_penalty: 0.2 },
  { sequence_bias: [[[1, 2, 3], 6]], bad_words_ids: [[4, 5]] },
  { min_new_tokens: 20, stop_token_ids: [3] },
];
const PATTERNS = ['(abc|abd|ga?)+', '([a-g]{2,4}cba)*', '(abcdefgabcdefg[a-d])+'];

const setups = fc.record({
  search: fc.constantFrom(...Object.keys(SEARCHES)),
  processors: fc.constantFrom(...PROCESSORS),
  pattern: fc.option(fc.constantFrom(...PATTERNS), { freq: 3, nil: undefined }),
  seed: fc.nat(),
  endless: fc.boolean(),
  lends: fc.boolean(),
  contextLength: fc.integer({ min: 4, max: 24 }),
  maxNodes: fc.option(fc.integer({ min: 12, max: 60 }), { nil: undefined }),
  prompt: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 60 }),
  max_new_tokens: fc.integer({ min: 30, max: 70 }),
  keep: fc.integer({ min: -1, max: 3 }),
  discard: fc.integer({ min: 0, max: 1000 }),
});
type Setup = typeof setups extends fc.Arbitrary<infer T> ? T : never;

function prepare(setup: Setup) {
  const { seed, endless, lends, contextLength, maxNodes, prompt, max_new_tokens } = setup;
  // A whole prompt can be kept only if it leaves room.
  const n_keep = setup.keep < 0 && prompt.length >= Math.min(contextLength, 8) ? 0 : setup.keep;
  const search = { ...SEARCHES[setup.search], ...setup.processors, seed, max_new_tokens };
  const room = { contextLength, maxNodes };
  const first = { ...search, truncation: 'auto', n_keep } as const;
  const halves = contextWindow(resolveOptions(first).options, room, prompt.length);
  const n_discard = halves ? setup.discard % (halves.size - halves.keep + 1) : 0;
  const options = { ...first, n_discard } as const;
  const window = contextWindow(resolveOptions(options).options, room, prompt.length);
  const eosTokenIds = endless ? [] : [0];
  const lend = lends ? (logits: Float32Array) => memory.lend(logits) : undefined;
  const shared = { seed, eosTokenIds, ...(lend && { lend }) };
  const small = Object.assign(new LookupModel({ ...shared, contextLength }), { maxNodes });
  const endlessView = { size: Number.POSITIVE_INFINITY, keep: 0, discard: 1 };
  const large = new LongModel(shared, window ?? endlessView);
  const context: DecodingContext = setup.pattern
    ? { constraint: compileConstraint({ type: 'regex', pattern: setup.pattern }, vocabulary) }
    : {};
  return { small, large, search, options, window, context };
}
const { vocabulary } = vocabularyOf(TOKENS.map((token) => [...new TextEncoder().encode(token)]));

async function outcome(
  model: LanguageModel,
  prompt: readonly number[],
  options: DecodingOptions,
  context: DecodingContext,
) {
  const events: DecodingEvent[] = [];
  const resets: number[] = [];
  const decoding = decode(model, prompt, options, context);
  try {
    for (;;) {
      const { done, value } = await decoding.next();
      if (done) return { events, resets, result: value satisfies DecodingResult };
      if (value.type === 'context_reset') resets.push(value.resets);
      else events.push(value);
    }
  } catch (error) {
    // A search without a token left ends in the same place.
    return { events, resets, error: String(error) };
  }
}

describe('a text longer than the context', () => {
  it('is what a model of any context writes that sees the same tokens', async () => {
    let resets = 0;
    await fc.assert(
      fc.asyncProperty(setups, async (setup) => {
        const { small, large, search, options, window, context } = prepare(setup);
        const found = await outcome(small, setup.prompt, options, context);
        const expected = await outcome(large, setup.prompt, search, context);
        expect(found.events).toEqual(expected.events);
        expect(found.error).toEqual(expected.error);
        expect(found.result?.sequences).toEqual(expected.result?.sequences);
        expect(found.resets).toEqual(found.resets.map((_, i) => i + 1));
        if (found.result) expect(found.result.context_resets).toBe(found.resets.length);
        resets += found.resets.length;
        const reserved = requiredNodes(
          setup.prompt.length,
          resolveOptions(options).options,
          undefined,
          window,
        );
        expect(small.counts.maxNodes).toBeLessThanOrEqual(reserved);
        expect(reserved).toBeLessThanOrEqual(setup.maxNodes ?? Number.POSITIVE_INFINITY);
        expect(small.counts).toMatchObject({ nodes: 0, openTrees: 0 });
      }),
      { numRuns: 200 },
    );
    expect(resets).toBeGreaterThan(200);
  });

  it('goes on the same, however much of it is the prompt', async () => {
    const model = new LookupModel({ seed: 4, vocabSize: 40, contextLength: 16, eosTokenIds: [] });
    const options = { truncation: 'auto', n_keep: 3, n_discard: 5, repetition_penalty: 1.2 } as const;
    const prompt = [1, 2, 3, 4];
    const { sequences } = await decodeAll(model, prompt, { ...options, max_new_tokens: 60 });
    const text = [...prompt, ...(sequences[0]?.tokens ?? [])];
    for (let length = 5; length < 60; length += 7) {
      const rest = await decodeAll(model, text.slice(0, length), { ...options, max_new_tokens: 4 });
      expect(rest.sequences[0]?.tokens).toEqual(text.slice(length, length + 4));
    }
  });

  it('frees all nodes when it ends in the middle of a reset', async () => {
    for (const num_beams of [1, 4]) {
      for (let failing = 1; failing < 60; failing++) {
        const model = new LookupModel({ seed: 1, contextLength: 12, eosTokenIds: [] });
        let calls = 0;
        const failingModel: LanguageModel = {
          ...{ vocabSize: model.vocabSize, contextLength: 12, eosTokenIds: [] },
          open(nodes) {
            const tree = model.open(nodes);
            const evaluate = tree.evaluate.bind(tree);
            tree.evaluate = async (evaluations) => {
              await evaluate(evaluations);
              if (++calls === failing) throw new Error('enough');
            };
            return tree;
          },
        };
        const options = { num_beams, truncation: 'auto', max_new_tokens: 40, n_keep: 2 } as const;
        const outcome = await decodeAll(failingModel, [1, 2, 3], options).catch(String);
        expect(outcome === 'Error: enough').toBe(calls >= failing);
        expect(model.counts).toMatchObject({ nodes: 0, openTrees: 0 });
      }
    }
  });

  it('computes what several beams share once, and the kept tokens never again', async () => {
    const contextLength = 64;
    const prompt = Array.from({ length: 40 }, (_, i) => 1 + (i % 7));
    const model = new LookupModel({ seed: 3, contextLength, eosTokenIds: [] });
    const { context_resets } = await decodeAll(model, prompt, {
      ...{ num_beams: 4, max_new_tokens: 300, truncation: 'auto', n_keep: 24 },
    });
    const resets = context_resets ?? 0;
    expect(resets).toBe(Math.ceil((40 + 299 - 64) / 20));
    const steps = 4 * 299;
    // A window that was computed for each beam would take 4 · 20 rows more than the tokens of the steps.
    const again = model.counts.rows - prompt.length - steps;
    expect(again / resets).toBeGreaterThanOrEqual(19);
    expect(again / resets).toBeLessThan(50);
  });
});

describe('the options of long texts', () => {
  const model = Object.assign(new LookupModel({ contextLength: 64, eosTokenIds: [] }), { maxNodes: 200 });
  const prompt = Array.from({ length: 30 }, () => 1);
  const auto = { truncation: 'auto' } as const;
  const cases: readonly [DecodingOptions, string][] = [
    [{ n_keep: 5 }, '\'n_keep\' must be 0 where truncation is "disabled", not 5'],
    [{ n_discard: 5 }, '\'n_discard\' must be 0 where truncation is "disabled", not 5'],
    [
      { ...auto, n_keep: 64 },
      "'n_keep' must be at most 63, which leaves room for a token in the context, not 64",
    ],
    [
      { ...auto, n_discard: 65 },
      "'n_discard' must be at most 64, the tokens in the context that are not kept, not 65",
    ],
    [
      { ...auto, n_keep: -1, n_discard: 35 },
      "'n_discard' must be at most 34, the tokens in the context that are not kept, not 35",
    ],
    [{ ...auto, max_new_tokens: 100_001 }, "'max_new_tokens' must be at most 100000, not 100001"],
    [
      { ...auto, num_beams: 201, max_new_tokens: 80 },
      "'num_beams' must be at most 200, the tokens that the cache holds, not 201",
    ],
    [
      { ...auto, num_beams: 190, n_keep: 11, max_new_tokens: 80 },
      "'n_keep' must be at most 10, which leaves room for a token in the context, not 11",
    ],
  ];
  it.each(cases)('%j', (options, message) => {
    expect(() => decode(model, prompt, options)).toThrow(message);
  });

  it('need a prompt in view for its log-probabilities', () => {
    const long = Array.from({ length: 65 }, () => 1);
    expect(() => decode(model, long, { ...auto, prompt_logprobs: 0 })).toThrow(
      "'prompt_logprobs' needs a prompt of at most 64 tokens, which the model sees at once, not 65",
    );
    expect(() => decode(model, long, { ...auto, n_keep: -1 })).toThrow(
      "'n_keep' must be at most 63, which leaves room for a token in the context, not -1, the whole prompt of 65",
    );
  });

  it('may say that they mean the default', async () => {
    const plain = await decodeAll(model, prompt, {});
    for (const options of [{ truncation: 'disabled' as const }, { n_keep: 0, n_discard: 0 }]) {
      expect(await decodeAll(model, prompt, options)).toEqual(plain);
    }
    const { context_resets, ...result } = await decodeAll(model, prompt, {
      ...auto,
      n_keep: 3,
      n_discard: 7,
    });
    expect(result).toEqual(plain);
    expect(context_resets).toBe(0);
  });
});
