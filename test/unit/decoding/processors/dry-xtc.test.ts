/**
 * @module DRY and XTC against the descriptions of their authors by brute force, on given scores:
 * github.com/oobabooga/text-generation-webui/pull/5677 and /pull/6335, with llama.cpp's sequence breakers.
 */
import { describe, expect, it } from 'vitest';
import { decodeAll } from '../../../../decoding/decode.ts';
import { type DecodingOptions, resolveOptions } from '../../../../decoding/options/options.ts';
import { processorsOf } from '../../../../decoding/options/processors.ts';
import { dry } from '../../../../decoding/processors/dry.ts';
import { SequenceBreakers } from '../../../../decoding/processors/sequence-breakers.ts';
import { xtc } from '../../../../decoding/processors/xtc.ts';
import { Draw } from '../../../support/draw.ts';
import { LookupModel } from '../../../support/lookup-model.ts';

/** A token for each of these texts. */
const TOKENS = ['a', 'b', 'c', 'ab', ':', 'x:', '\n', '--', '->', '>'];
const tokenizer = {
  tokenBytes: (id: number) => new TextEncoder().encode(TOKENS[id] ?? ''),
  encode: (text: string) => [...text].map((character) => TOKENS.indexOf(character)),
};

describe('DRY', () => {
  /** The penalty of a token, from the text of the description: no Z-algorithm, and breakers as texts. */
  function penaltyOf(
    token: number,
    tokens: readonly number[],
    options: Record<string, number>,
    stops: string[],
  ) {
    const { multiplier = 0, base = 0, allowed = 0, last = -1 } = options;
    const window = last < 0 ? tokens : tokens.slice(Math.max(0, tokens.length - last));
    if (window.length <= allowed) return 0;
    const textOf = (ids: readonly number[]) => ids.map((id) => TOKENS[id]).join('');
    if (stops.some((stop) => TOKENS[token]?.includes(stop))) return 0;
    // No repetition reaches back over a breaker. It may be spread over tokens: the text after it is what follows them.
    let free = window.length;
    for (let at = window.length - 1; at >= 0 && free === window.length; at--) {
      const endings = stops.flatMap((stop) => {
        if (TOKENS[window[at] as number]?.includes(stop)) return [at + 1];
        for (let end = at + 2; end <= window.length; end++) {
          const text = textOf(window.slice(at, end));
          const found = text.indexOf(stop);
          if (found >= 0 && found < (TOKENS[window[at] as number] ?? '').length && text.endsWith(stop))
            return [end];
        }
        return [];
      });
      if (endings.length > 0) free = window.length - Math.max(...endings);
    }
    let longest = -1;
    for (let at = 0; at < window.length - 1; at++) {
      if (window[at + 1] !== token) continue;
      let same = 0;
      while (same <= at && window[at - same] === window[window.length - 1 - same]) same++;
      longest = Math.max(longest, Math.min(same, free));
    }
    return free < allowed || longest < allowed ? 0 : multiplier * base ** (longest - allowed);
  }

  it('is the penalty of the description, over random texts', () => {
    let penalized = 0;
    for (let seed = 0; seed < 3000; seed++) {
      const draw = new Draw(seed);
      const letters = draw.integer(2, 4);
      const length = draw.integer(1, 24);
      const tokens = Array.from({ length }, () =>
        draw.chance(0.15) ? draw.integer(4, TOKENS.length - 1) : draw.integer(0, letters - 1),
      );
      const options = {
        multiplier: draw.pick([0.8, 1, 3]),
        base: draw.pick([1, 1.75, 2]),
        allowed: draw.integer(0, 3),
        last: draw.pick([-1, -1, 0, 5, 12]),
      };
      const stops = draw.pick([[], [':'], ['\n', ':', '"', '*'], ['->'], ['c', '\n']]);
      const processor = dry(
        {
          multiplier: options.multiplier,
          base: options.base,
          allowedLength: options.allowed,
          lastTokens: options.last,
        },
        new SequenceBreakers(stops, tokenizer),
      );
      const scores = Float32Array.from(TOKENS, (_, i) => i / 8);
      processor(scores, { tokens: Int32Array.from([...tokens, 7, 7]), length });
      const expected = TOKENS.map((_, token) => token / 8 - penaltyOf(token, tokens, options, stops));
      expected.forEach((score, token) => {
        expect(scores[token], JSON.stringify({ seed, token })).toBeCloseTo(score, 3);
        if (score !== token / 8) penalized++;
      });
    }
    expect(penalized).toBeGreaterThan(2000);
  });

  it('finds breakers in the names of tokens that have no text', () => {
    const penaltyOf = (stops: readonly string[]) => {
      const named = {
        ...tokenizer,
        allBytes: (id: number) => new TextEncoder().encode(id === 9 ? '<|end|>' : TOKENS[id]),
      };
      const hidden = {
        ...named,
        tokenBytes: (id: number) => (id === 9 ? new Uint8Array() : tokenizer.tokenBytes(id)),
      };
      const scores = new Float32Array(TOKENS.length);
      const options = { multiplier: 1, base: 2, allowedLength: 1, lastTokens: -1 };
      dry(options, new SequenceBreakers(stops, hidden))(scores, {
        tokens: Int32Array.of(0, 9, 1, 2, 0, 9, 1),
        length: 7,
      });
      return scores[2];
    };
    expect([penaltyOf(['x']), penaltyOf(['<|end|>'])]).toEqual([-4, -1]);
  });

  it("bounds a power as llama.cpp's, and a penalty so that sums of scores are finite", () => {
    const options = { multiplier: 1, base: 2, allowedLength: 0, lastTokens: -1 };
    const long = { tokens: new Int32Array(400), length: 400 };
    const scores = new Float32Array(2);
    dry(options, new SequenceBreakers([], undefined))(scores, long);
    expect([...scores]).toEqual([-1e9, 0]);
  });

  it('keeps greedy search and beams from repeating themselves', async () => {
    const model = new LookupModel({ vocabSize: 6, memory: 1, eosTokenIds: [] });
    const repeats = (ids: readonly number[]) => {
      const runs = ids.map((_, i) => ids.slice(i, i + 4).join()).slice(0, -3);
      return runs.length - new Set(runs).size;
    };
    const plain = { max_new_tokens: 24, dry_sequence_breakers: [] };
    for (const search of [{}, { num_beams: 3 }, { do_sample: true, top_k: 1 }]) {
      const before = await decodeAll(model, [1], { ...plain, ...search, dry_sequence_breakers: [] });
      const after = await decodeAll(model, [1], { ...plain, ...search, dry_multiplier: 50 });
      expect(repeats(before.sequences[0]?.tokens ?? [])).toBeGreaterThan(5);
      expect(repeats(after.sequences[0]?.tokens ?? [])).toBe(0);
    }
  });
});

describe('XTC', () => {
  it('removes the top choices of the description, over random rows', () => {
    let removed = 0;
    for (let seed = 0; seed < 1500; seed++) {
      const draw = new Draw(seed);
      const raw = Array.from({ length: draw.integer(1, 12) }, () => draw.integer(-8, 8) / 2);
      const banned = raw.map(() => draw.chance(0.2));
      const temperature = draw.pick([0.5, 1, 2]);
      const threshold = draw.pick([0, 0.05, 0.1, 0.3, 0.5, 0.6]);
      const chance = draw.pick([0, 0.4, 0.9]);
      const scores = Float32Array.from(raw, (score, i) => (banned[i] ? -Infinity : score / temperature));
      const before = scores.slice();
      xtc({ probability: 0.5, threshold, temperature, minTokensToKeep: 1 })(
        scores,
        { tokens: new Int32Array(0), length: 0 },
        { random: () => chance },
      );
      const total = raw.reduce((sum, score, i) => sum + (banned[i] ? 0 : Math.exp(score)), 0);
      const sorted = [...raw.keys()]
        .filter((i) => !banned[i])
        .sort((a, b) => (raw[b] as number) - (raw[a] as number) || a - b);
      const above = sorted.filter((i) => Math.exp(raw[i] as number) / total >= threshold - 1e-9);
      const out = chance < 0.5 && threshold <= 0.5 ? above.slice(0, -1) : [];
      before.forEach((score, i) => {
        expect(scores[i], JSON.stringify({ seed, i })).toBe(out.includes(i) ? -Infinity : score);
      });
      removed += out.length;
    }
    expect(removed).toBeGreaterThan(500);
  });

  it('keeps as many tokens as beams need', () => {
    const scores = Float32Array.of(3, 3, 3, -9);
    const options = { probability: 1, threshold: 0.1, temperature: 1 };
    const row = { random: () => 0 };
    xtc({ ...options, minTokensToKeep: 3 })(scores, { tokens: new Int32Array(0), length: 0 }, row);
    expect([...scores]).toEqual([3, 3, 3, -9]);
    xtc({ ...options, minTokensToKeep: 2 })(scores, { tokens: new Int32Array(0), length: 0 }, row);
    expect([...scores]).toEqual([-Infinity, -Infinity, 3, -9]);
  });

  it('draws for each branch, whatever their number, and repeats itself with a seed', async () => {
    const model = new LookupModel({ vocabSize: 8, eosTokenIds: [] });
    const options = {
      do_sample: true,
      max_new_tokens: 12,
      seed: 5,
      xtc_probability: 0.5,
      xtc_threshold: 0.05,
    };
    const textsOf = async (more: DecodingOptions) =>
      (await decodeAll(model, [1], { ...options, ...more })).sequences.map(({ tokens }) => tokens);
    const four = await textsOf({ num_return_sequences: 4 });
    expect(await textsOf({ num_return_sequences: 2 })).toEqual(four.slice(0, 2));
    expect(await textsOf({ num_return_sequences: 4 })).toEqual(four);
    expect(await textsOf({ num_return_sequences: 4, xtc_probability: 0 })).not.toEqual(four);
    const beams = { num_beams: 3, top_k: 5 };
    expect(await textsOf(beams)).toEqual(await textsOf(beams));
  });
});

describe('the chain', () => {
  it('has DRY before what truncates, and XTC after it', () => {
    const { options } = resolveOptions({
      do_sample: true,
      dry_multiplier: 1,
      xtc_probability: 0.5,
      temperature: 0.5,
      top_k: 5,
      top_p: 0.9,
      min_p: 0.1,
      repetition_penalty: 2,
      frequency_penalty: 1,
    });
    const names = processorsOf(options, { promptLength: 1, eosTokenIds: [], maxLength: 9 }).map(
      ({ name }) => name,
    );
    expect(names).toEqual([
      ...[
        'repetitionPenalty',
        'frequencyPresencePenalty',
        'dry',
        'temperature',
        'topK',
        'topP',
        'minP',
        'xtc',
      ],
    ]);
  });

  it('says which parameter has no effect, unless it is the default', () => {
    const warnings = (options: DecodingOptions) => resolveOptions(options).warnings;
    expect(warnings({ dry_base: 2 })).toEqual(["'dry_base' is 2, which has no effect: dry_multiplier is 0"]);
    expect(warnings({ do_sample: true, xtc_threshold: 0.2 })).toEqual([
      "'xtc_threshold' is 0.2, which has no effect: xtc_probability is 0",
    ]);
    expect(
      warnings({ dry_sequence_breakers: ['\n', ':', '"', '*'], dry_base: 1.75, xtc_threshold: 0.1 }),
    ).toEqual([]);
    expect(warnings({ xtc_probability: 0.5 })).toEqual([
      "'xtc_probability' is 0.5, which only sampling uses: do_sample is false",
    ]);
  });

  it('needs a tokenizer for sequence breakers', async () => {
    await expect(async () => decodeAll(new LookupModel(), [1], { dry_multiplier: 1 })).rejects.toThrow(
      "'dry_sequence_breakers' need a tokenizer with 'encode', and none was given: [] asks for none",
    );
  });
});
