/** @module Guidance over a model whose logits are known, in every search, and what it reserves. */
import { describe, expect, it } from 'vitest';
import { compileConstraint } from '../../../decoding/constraints/compile.ts';
import { decode, decodeAll } from '../../../decoding/decode.ts';
import { requiredNodes } from '../../../decoding/options/capacity.ts';
import { type DecodingOptions, resolveOptions } from '../../../decoding/options/options.ts';
import { LookupModel } from '../../support/lookup-model.ts';
import { vocabularyOf } from '../../support/random-vocabulary.ts';

const PROMPT = [3, 1, 2];
const NEGATIVE = [4, 4];

function logprobs(model: LookupModel, path: readonly number[]): number[] {
  const logits = [...model.logitsAfter(path)];
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return logits.map((logit) => logit - total);
}

/** The scores of the formula, from the paths of both prompts. */
function guided(
  model: LookupModel,
  scale: number,
  negative: readonly number[],
  ids: readonly number[],
): number[] {
  const own = logprobs(model, [...PROMPT, ...ids]);
  const other = logprobs(model, [...negative, ...ids]);
  return own.map((logprob, i) => (other[i] as number) + scale * (logprob - (other[i] as number)));
}

describe('guidance', () => {
  it.each([
    { scale: 2, negative: NEGATIVE },
    { scale: 0, negative: NEGATIVE },
    { scale: -1.5, negative: [1] },
    { scale: 3, negative: undefined },
  ])('is the formula along both paths, in greedy search: $scale', async ({ scale, negative }) => {
    for (let seed = 0; seed < 20; seed++) {
      const model = new LookupModel({ seed });
      const options = { guidance_scale: scale, max_new_tokens: 6, ignore_eos: true };
      const { sequences } = await decodeAll(model, PROMPT, {
        ...options,
        ...(negative && { negative_prompt_ids: negative }),
      });
      const ids: number[] = [];
      while (ids.length < 6) {
        const scores = guided(model, scale, negative ?? [2], ids);
        ids.push(scores.indexOf(Math.max(...scores)));
      }
      expect(sequences[0]?.tokens).toEqual(ids);
    }
  });

  it('scores each beam along its own two paths', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const model = new LookupModel({ seed, vocabSize: 6 });
      const options = {
        guidance_scale: 1.8,
        negative_prompt_ids: NEGATIVE,
        num_beams: 36,
        num_return_sequences: 3,
        max_new_tokens: 3,
        ignore_eos: true,
      };
      const { sequences } = await decodeAll(model, PROMPT, options);
      const all: { ids: number[]; score: number }[] = [];
      const extend = (ids: number[], sum: number): void => {
        if (ids.length === 3) all.push({ ids, score: sum / 3 });
        else {
          for (const [token, score] of guided(model, 1.8, NEGATIVE, ids).entries()) {
            extend([...ids, token], sum + score);
          }
        }
      };
      extend([], 0);
      all.sort((a, b) => b.score - a.score);
      expect(sequences.map(({ tokens }) => tokens)).toEqual(all.slice(0, 3).map(({ ids }) => ids));
      sequences.forEach(({ score }, i) => {
        expect(score).toBeCloseTo(all[i]?.score ?? 0, 4);
      });
    }
  });

  it.each<DecodingOptions>([
    {},
    { do_sample: true, num_return_sequences: 3, seed: 1, top_p: 0.9 },
    { do_sample: true, best_of: 3, num_return_sequences: 2, logprobs: 1, prompt_logprobs: 1 },
    { num_beams: 3, num_return_sequences: 2 },
    { num_beams: 4, num_beam_groups: 2, diversity_penalty: 1, logprobs: 0 },
    { num_beams: 3, do_sample: true, seed: 2 },
  ])('stays within what it reserves, and gives all of it back: %j', async (search) => {
    const model = new LookupModel();
    const options = { guidance_scale: 1.5, negative_prompt_ids: NEGATIVE, max_new_tokens: 8, ...search };
    await decodeAll(model, PROMPT, options);
    const reserved = requiredNodes(PROMPT.length, resolveOptions(options).options);
    expect(model.counts.maxNodes).toBeLessThanOrEqual(reserved);
    expect(model.counts).toMatchObject({ nodes: 0, openTrees: 0 });
    const stopped = new LookupModel();
    for await (const _ of decode(stopped, PROMPT, options)) break;
    expect(stopped.counts).toMatchObject({ nodes: 0, openTrees: 0 });
  });

  it('samples the same texts with a seed, whatever their number', async () => {
    const options = {
      guidance_scale: 1.5,
      negative_prompt_ids: NEGATIVE,
      do_sample: true,
      max_new_tokens: 8,
    };
    const texts = async (num_return_sequences: number) =>
      (await decodeAll(new LookupModel(), PROMPT, { ...options, num_return_sequences })).sequences;
    expect((await texts(4)).slice(0, 2)).toEqual(await texts(2));
  });

  it('works beside a constraint, and with a healed prompt', async () => {
    const { vocabulary } = vocabularyOf([
      [],
      ...['a', 'b', 'ab', 'ba', 'abb'].map((text) => [...new TextEncoder().encode(text)]),
    ]);
    const constraint = compileConstraint({ type: 'choice', choices: ['bb', 'ab'] }, vocabulary);
    const texts = ['', 'a', 'b', 'ab', 'ba', 'abb'];
    for (const search of [{}, { num_beams: 3 }, { do_sample: true }]) {
      const options = {
        guidance_scale: 2,
        negative_prompt_ids: [3],
        token_healing: true,
        max_new_tokens: 5,
        ...search,
      };
      const model = new LookupModel({ vocabSize: 6 });
      const { sequences } = await decodeAll(model, [2, 1], options, { constraint });
      const text = (sequences[0]?.tokens ?? []).map((id) => texts[id]).join('');
      expect(['abb', 'aab']).toContain(text);
    }
  });

  it('is limited by the context of the negative prompt too', () => {
    const model = new LookupModel({ contextLength: 10 });
    const negative_prompt_ids = [1, 2, 3, 4, 5, 6];
    expect(() => decode(model, [1], { guidance_scale: 2, negative_prompt_ids, max_new_tokens: 5 })).toThrow(
      "'negative_prompt_ids' must have at most 5 tokens before 5 in a context of 10, not 6",
    );
    expect(resolveOptions({ negative_prompt_ids }).warnings).toEqual([
      "'negative_prompt_ids' is [1,2,3,4,5,6], which has no effect: guidance_scale is 1",
    ]);
  });
});
