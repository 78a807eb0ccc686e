/** @module Few allowed tokens: one alone needs no pass of its own, and its node is freed with its text's. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Constraint } from '../../../decoding/constraints/automaton/constraint.ts';
import { compileConstraint } from '../../../decoding/constraints/compile.ts';
import { decodeAll } from '../../../decoding/decode.ts';
import type { Evaluation, LanguageModel, TreeNode } from '../../../decoding/interface/token-tree.ts';
import { requiredNodes } from '../../../decoding/options/capacity.ts';
import { type DecodingOptions, resolveOptions } from '../../../decoding/options/options.ts';
import { wasmPath } from '../../../engine/kernels/build.ts';
import { RowMemory } from '../../support/lending-model.ts';
import { LookupModel } from '../../support/lookup-model.ts';
import { vocabularyOf } from '../../support/random-vocabulary.ts';

/** The first ends the text. */
const TOKENS = ['', 'a', 'b', 'c', 'd', 'e', 'f', 'g'];
const PROMPT = [1, 2, 3];
const SEARCHES: Record<string, DecodingOptions> = {
  greedy: {},
  sampling: { do_sample: true, num_return_sequences: 3 },
  'best of': { do_sample: true, best_of: 3 },
  beams: { num_beams: 4, num_return_sequences: 4 },
  'diverse beams': { num_beams: 4, num_beam_groups: 2, diversity_penalty: 0.5 },
  'beam sampling': { num_beams: 3, do_sample: true, top_k: 2, num_return_sequences: 3 },
};
const PATTERNS = [
  'abcdefg',
  'abc(d|e)fg',
  '(abc|abd|ga?)+',
  'a+(bcd|efg)*',
  '(a(bcde|bcdf)){1,2}g*',
  '[a-g]{2,4}cba',
];

let memory: RowMemory;
beforeAll(async () => {
  memory = new RowMemory(await WebAssembly.compile(await readFile(wasmPath('logits'))), TOKENS.length);
});

const lendingModel = (seed: number) =>
  new LookupModel({ seed, vocabSize: TOKENS.length, lend: (logits) => memory.lend(logits) });

function constraintOf(pattern: string): Constraint {
  const { vocabulary } = vocabularyOf(TOKENS.map((token) => [...new TextEncoder().encode(token)]));
  return compileConstraint({ type: 'regex', pattern }, vocabulary);
}

/** The model, with a look at the nodes of each pass. */
function watched(model: LookupModel, look: (evaluations: readonly Evaluation[]) => void): LanguageModel {
  const { vocabSize, contextLength, eosTokenIds } = model;
  return {
    ...{ vocabSize, contextLength, eosTokenIds },
    open(nodes) {
      const tree = model.open(nodes);
      return {
        lendsLogits: tree.lendsLogits,
        append: (parent, token) => tree.append(parent, token),
        release: (node) => tree.release(node),
        close: () => tree.close(),
        async evaluate(evaluations) {
          look(evaluations);
          await tree.evaluate(evaluations);
        },
      };
    },
  };
}

/** The nodes and all of their ancestors. */
function withAncestors(nodes: readonly TreeNode[]): Set<TreeNode> {
  const all = new Set<TreeNode>();
  for (const node of nodes) for (let at: TreeNode | null = node; at; at = at.parent) all.add(at);
  return all;
}

const setups = fc.record({
  search: fc.constantFrom(...Object.keys(SEARCHES)),
  pattern: fc.constantFrom(...PATTERNS),
  seed: fc.nat(),
  max_new_tokens: fc.integer({ min: 8, max: 14 }),
  allow_incomplete: fc.boolean(),
});

describe('forced tokens', () => {
  it('have nodes only while their text goes on', async () => {
    await fc.assert(
      fc.asyncProperty(setups, async ({ search, pattern, ...rest }) => {
        const options = { ...SEARCHES[search], ...rest };
        const model = lendingModel(rest.seed);
        const look = (evaluations: readonly Evaluation[]) => {
          expect(model.counts.nodes).toBe(withAncestors(evaluations.map(({ node }) => node)).size);
        };
        await decodeAll(watched(model, look), PROMPT, options, { constraint: constraintOf(pattern) });
        expect(model.counts).toMatchObject({ nodes: 0, openTrees: 0 });
        expect(model.counts.maxNodes).toBeLessThanOrEqual(
          requiredNodes(PROMPT.length, resolveOptions(options).options),
        );
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    { pattern: 'abcdefg', passes: 1 },
    { pattern: 'abc(d|e)fg', passes: 2 },
    { pattern: '(a|b)cd(e|f)(g|a)', passes: 3 },
  ])('share a pass with the next choice: $pattern', async ({ pattern, passes }) => {
    for (const options of [{}, { do_sample: true, seed: 3 }]) {
      const model = lendingModel(5);
      const constraint = constraintOf(pattern);
      const { sequences } = await decodeAll(model, PROMPT, options, { constraint });
      expect(model.counts.evaluateCalls).toBe(passes);
      // With log-probabilities of the model every token needs its logits.
      const whole = await decodeAll(lendingModel(5), PROMPT, { ...options, logprobs: 0 }, { constraint });
      expect(sequences.map(({ tokens }) => tokens)).toEqual(whole.sequences.map(({ tokens }) => tokens));
      expect(sequences[0]?.token_logprobs).toEqual(whole.sequences[0]?.token_logprobs);
    }
  });
});

it.each(Object.entries(SEARCHES))(
  'allowed tokens stay the only ones with remove_invalid_values: %s',
  async (_, search) => {
    const options = { ...search, remove_invalid_values: true, max_new_tokens: 4 };
    const { sequences } = await decodeAll(lendingModel(2), PROMPT, options, {
      constraint: constraintOf('ab|b'),
    });
    for (const { tokens } of sequences)
      expect(['ab', 'b']).toContain(tokens.map((id) => TOKENS[id]).join(''));
  },
);

describe('a text that must be empty', () => {
  it.each(Object.entries(SEARCHES))('is, where no token can end it: %s', async (_, search) => {
    const options = { ...search, ignore_eos: true };
    const { num_return_sequences } = resolveOptions(options).options;
    const { sequences } = await decodeAll(lendingModel(1), PROMPT, options, { constraint: constraintOf('') });
    const empty = { tokens: [], finish_reason: 'stop' };
    expect(sequences).toMatchObject(Array(num_return_sequences).fill(empty));
  });
});
