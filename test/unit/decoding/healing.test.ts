/** @module Token healing over small vocabularies, against brute force over all tokenizations of the same bytes. */
import { describe, expect, it } from 'vitest';
import { healPrompt } from '../../../decoding/constraints/automaton/healing.ts';
import { anyText, compileConstraint } from '../../../decoding/constraints/compile.ts';
import { decode, decodeAll } from '../../../decoding/decode.ts';
import type { DecodingOptions } from '../../../decoding/options/options.ts';
import {
  agree,
  allTexts,
  bytesOf,
  greedyText,
  type HealingCase,
  legal,
} from '../../support/brute-healing.ts';
import { Draw } from '../../support/draw.ts';
import { LookupModel } from '../../support/lookup-model.ts';
import { randomVocabulary, vocabularyOf } from '../../support/random-vocabulary.ts';

const utf8 = (text: string) => [...new TextEncoder().encode(text)];
const textOf = (bytes: readonly number[]) => new TextDecoder().decode(Uint8Array.from(bytes));
const END = 0;

/** A vocabulary over two letters, some prompt of it that is cut at any byte, and a model. */
function drawCase(seed: number, extra: number) {
  const draw = new Draw(seed);
  const pieces = new Set<string>();
  while (pieces.size < extra) {
    pieces.add(Array.from({ length: draw.integer(2, 4) }, () => draw.pick(['a', 'b'])).join(''));
  }
  const tokens = [[], ...['a', 'b', ...pieces].map(utf8)];
  const { vocabulary } = vocabularyOf(tokens);
  const model = new LookupModel({ seed, vocabSize: tokens.length, eosTokenIds: [END] });
  // The tokenization of a cut text is any: what healing takes off depends on it.
  const prompt = Array.from({ length: draw.integer(2, 4) }, () => draw.integer(1, tokens.length - 1));
  const { kept, removed, bytes } = healPrompt(prompt, vocabulary);
  const given = (max: number): HealingCase => ({
    model,
    tokens,
    kept,
    rest: [...bytes],
    length: removed.length + max,
  });
  return { draw, tokens, vocabulary, model, prompt, kept, removed, given };
}

describe('healPrompt', () => {
  it('takes off the longest end that a longer token begins with, and the tokens it is in', () => {
    for (let seed = 0; seed < 150; seed++) {
      const draw = new Draw(seed);
      const { vocabulary, bytes } = randomVocabulary(draw, ['the ans', 'wer http', '://é日', '  \n'], 30);
      const text = bytes.flatMap((token, id) => (token.length > 0 ? [id] : []));
      const others = bytes.flatMap((token, id) => (token.length > 0 ? [] : [id]));
      const prompt = Array.from({ length: draw.integer(1, 8) }, () =>
        draw.chance(0.05) ? draw.pick(others) : draw.pick(text),
      );
      const { kept, removed, bytes: rest } = healPrompt(prompt, vocabulary);
      expect([...kept, ...removed]).toEqual(prompt);
      expect([...rest]).toEqual(removed.flatMap((id) => bytes[id] ?? []));
      // By brute force over all ends after the first token, and the last one without a text.
      const from = Math.max(1, prompt.findLastIndex((id) => others.includes(id)) + 1);
      const end = prompt.slice(from).flatMap((id) => bytes[id] ?? []);
      const isBeginning = (part: readonly number[]) =>
        bytes.some((token) => token.length > part.length && agree(token, part));
      const longest = end.findIndex((_, start) => isBeginning(end.slice(start)));
      const taken = longest < 0 ? 0 : end.length - longest;
      expect(rest.length).toBeGreaterThanOrEqual(taken);
      const [first] = removed;
      expect(rest.length - (first === undefined ? 0 : (bytes[first] ?? []).length)).toBeLessThan(
        Math.max(1, taken),
      );
    }
  });

  it('stops at special tokens and at tokens without a text', () => {
    const { vocabulary } = vocabularyOf([utf8('a'), utf8('b'), utf8('abab'), [], utf8('ba')], new Set([4]));
    expect(healPrompt([0, 3, 0, 1], vocabulary)).toMatchObject({ kept: [0, 3], removed: [0, 1] });
    expect(healPrompt([0, 4], vocabulary)).toMatchObject({ kept: [0, 4], removed: [] });
    expect(healPrompt([0], vocabulary)).toMatchObject({ kept: [0], removed: [] });
    expect(healPrompt([0], vocabulary, 0)).toMatchObject({ kept: [], removed: [0] });
  });
});

describe('a healed search', () => {
  it('finds the best of all tokenizations with enough beams', async () => {
    let healed = 0;
    for (let seed = 0; seed < 120; seed++) {
      const { draw, vocabulary, model, prompt, removed, given } = drawCase(seed, 3 + (seed % 3));
      // With three tokens there are fewer beams to extend than the search has.
      if (removed.length > 2) continue;
      const max_new_tokens = removed.length === 2 ? 1 : 2;
      const num_return_sequences = draw.integer(1, 4);
      const options = {
        token_healing: true,
        max_new_tokens,
        num_beams: 96,
        num_return_sequences,
        early_stopping: 'never',
      } as const;
      const { sequences } = await decodeAll(model, prompt, options, { vocabulary });
      const texts = allTexts(given(max_new_tokens));
      expect(sequences.map(({ tokens }) => tokens)).toEqual(
        texts.slice(0, num_return_sequences).map(({ ids }) => ids),
      );
      sequences.forEach(({ score }, i) => {
        expect(score).toBeCloseTo(texts[i]?.score ?? 0, 4);
      });
      if (removed.length > 1) healed++;
      expect(model.counts).toMatchObject({ openTrees: 0, nodes: 0 });
    }
    expect(healed).toBeGreaterThanOrEqual(10);
  });

  it('is greedy over all tokenizations', async () => {
    for (let seed = 0; seed < 200; seed++) {
      const { vocabulary, model, prompt, given } = drawCase(seed, 6);
      const options = { token_healing: true, max_new_tokens: 4 };
      const { sequences } = await decodeAll(model, prompt, options, { vocabulary });
      expect(sequences[0]?.tokens).toEqual(greedyText(given(4)));
    }
  });

  it.each<DecodingOptions>([
    { do_sample: true, num_return_sequences: 3 },
    { do_sample: true, best_of: 4, num_return_sequences: 2, top_k: 3 },
    { do_sample: true, top_p: 0.5, temperature: 2, logprobs: 1 },
    { num_beams: 3, num_return_sequences: 3 },
    { num_beams: 4, num_beam_groups: 2, diversity_penalty: 1, num_return_sequences: 4 },
    { num_beams: 3, do_sample: true, num_return_sequences: 2, top_k: 4 },
    { repetition_penalty: 1.5, no_repeat_ngram_size: 2, logprobs: 0, prompt_logprobs: 0 },
  ])('begins with the bytes of the rest: %j', async (options) => {
    for (let seed = 0; seed < 40; seed++) {
      const { tokens, vocabulary, model, prompt, removed, given } = drawCase(seed, 6);
      const all = { token_healing: true, max_new_tokens: 3, seed, ...options };
      const { sequences } = await decodeAll(model, prompt, all, { vocabulary });
      for (const { tokens: ids } of sequences) {
        const { rest } = given(3);
        expect(bytesOf(tokens, ids).length).toBeGreaterThanOrEqual(rest.length);
        expect(agree(bytesOf(tokens, ids), rest)).toBe(true);
        expect(ids.length).toBeLessThanOrEqual(removed.length + 3);
        // Behind the rest the text is free, so that only the maximum length and the end of text end it.
        ids.forEach((id, i) => {
          expect(legal(given(3), ids.slice(0, i))).toContain(id);
        });
      }
      expect(model.counts).toMatchObject({ openTrees: 0, nodes: 0 });
    }
  });

  it('draws the first token from those that agree with the rest', async () => {
    const { vocabulary, model, prompt, kept, given } = drawCase(7, 6);
    const runs = 2000;
    const options = { token_healing: true, max_new_tokens: 1, do_sample: true, num_return_sequences: 200 };
    const counts = new Map<number, number>();
    for (let seed = 0; seed < runs / 200; seed++) {
      const { sequences } = await decodeAll(model, prompt, { ...options, seed }, { vocabulary });
      for (const { tokens } of sequences) {
        const first = tokens[0] as number;
        counts.set(first, (counts.get(first) ?? 0) + 1);
      }
    }
    const logits = model.logitsAfter(kept);
    const allowed = legal(given(1), []);
    const total = allowed.reduce((sum, token) => sum + Math.exp(logits[token] as number), 0);
    for (const token of allowed) {
      const share = Math.exp(logits[token] as number) / total;
      expect(Math.abs((counts.get(token) ?? 0) / runs - share)).toBeLessThan(0.05);
    }
  });

  it('goes on with a constraint after the rest', async () => {
    const choices = ['ab', 'ba', 'abba', 'b'];
    for (let seed = 0; seed < 60; seed++) {
      const { tokens, vocabulary, model, prompt, given } = drawCase(seed, 6);
      const constraint = compileConstraint({ type: 'choice', choices }, vocabulary);
      for (const search of [{}, { num_beams: 4, num_return_sequences: 2 }, { do_sample: true, seed }]) {
        const options = { token_healing: true, max_new_tokens: 4, ...search };
        const { sequences } = await decodeAll(model, prompt, options, { constraint });
        for (const { tokens: ids, finish_reason } of sequences) {
          const bytes = bytesOf(tokens, ids);
          const { rest } = given(4);
          expect(bytes.slice(0, rest.length)).toEqual(rest);
          expect(choices).toContain(textOf(bytes.slice(rest.length)));
          expect(finish_reason).not.toBe('length');
        }
      }
    }
  });

  it('says the least length for a whole text after the prompt', async () => {
    const { vocabulary } = vocabularyOf([[], utf8('a'), utf8('b'), utf8('ab')]);
    const model = new LookupModel({ vocabSize: 4 });
    const constraint = compileConstraint({ type: 'choice', choices: ['bbb'] }, vocabulary);
    // The rest is "a": "ab", "b", "b" are three tokens, one of them in the place of the one that was taken off.
    const options = { token_healing: true, max_new_tokens: 1 };
    expect(() => decode(model, [2, 1], options, { constraint })).toThrow(
      "'max_new_tokens' must be at least 2 for a whole text of the constraint, not 1",
    );
    const { sequences } = await decodeAll(model, [2, 1], { ...options, max_new_tokens: 2 }, { constraint });
    expect(sequences[0]?.tokens).toEqual([3, 2, 2]);
  });

  it('leaves a prompt as it is without a text after it', async () => {
    const { vocabulary, model, prompt } = drawCase(1, 6);
    const options = { token_healing: true, max_new_tokens: 0, prompt_logprobs: 0 };
    for await (const event of decode(model, prompt, options, { vocabulary })) {
      expect(event).toMatchObject({ type: 'prompt', logprobs: { length: prompt.length } });
    }
  });

  it('needs a vocabulary', () => {
    const model = new LookupModel();
    expect(() => decode(model, [1, 2], { token_healing: true })).toThrow(
      "'token_healing' needs a vocabulary, and none was given",
    );
  });
});

describe('stop strings of a healed prompt', () => {
  const { vocabulary, bytes } = vocabularyOf([[], ...['a', 'b', 'c', 'ab', 'bc', 'abc', 'é'].map(utf8)]);
  const tokenizer = { tokenBytes: (id: number) => Uint8Array.from(bytes[id] ?? []) };

  /** The text of a search whose tokens are forced by biases, and why it ended. */
  async function ended(options: DecodingOptions, choices: string) {
    const model = new LookupModel({ vocabSize: bytes.length });
    const constraint = compileConstraint({ type: 'choice', choices: [choices] }, vocabulary);
    // The prompt is "c", "a", "b"; "ab" is its rest.
    const all = { token_healing: true, max_new_tokens: 12, ...options };
    const { sequences } = await decodeAll(model, [3, 1, 2], all, { tokenizer, constraint });
    const [sequence] = sequences;
    return [textOf(bytesOf(bytes, sequence?.tokens ?? [])), sequence?.finish_reason];
  }

  it('are not found in the prompt', async () => {
    for (const stop of ['a', 'b', 'ab']) expect(await ended({ stop }, 'ccc')).toEqual(['abccc', 'eos']);
    for (const stop_strings of ['a', 'b', 'ab']) {
      expect(await ended({ stop_strings }, 'ccc')).toEqual(['abccc', 'eos']);
    }
  });

  it('are found behind it, and stop_strings may begin in it', async () => {
    const text = 'cabé';
    for (const num_beams of [1, 3]) {
      expect((await ended({ num_beams, stop: 'ca' }, text))[0]).toMatch(/^abcab?$/);
      expect((await ended({ num_beams, stop: 'bc' }, text))[0]).toBe('abcabé');
      expect((await ended({ num_beams, stop_strings: 'bc' }, text))[0]).toBe('abc');
      expect((await ended({ num_beams, stop_strings: 'cab' }, text))[0]).toBe('abcab');
      expect((await ended({ num_beams, stop_strings: 'cabc' }, text))[0]).toBe('abc');
    }
  });
});

describe('anyText', () => {
  it('is a constraint of a beginning only', async () => {
    const { tokens, vocabulary, model } = drawCase(3, 6);
    const constraint = anyText(vocabulary).after(Uint8Array.from(utf8('abba')));
    const { sequences } = await decodeAll(model, [1], { num_beams: 4, max_new_tokens: 6 }, { constraint });
    expect(textOf(bytesOf(tokens, sequences[0]?.tokens ?? []))).toMatch(/^abba/);
    expect(sequences[0]?.finish_reason).toMatch(/eos|length/);
  });
});
