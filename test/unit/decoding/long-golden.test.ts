/**
 * @module Texts longer than the context with f32 assets against Hugging Face `generate()`, computed from scratch at each
 * step (`test/golden/make-long-golden.py`).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAll } from '../../../decoding/decode.ts';
import type { LanguageModel } from '../../../decoding/interface/token-tree.ts';
import type { DecodingOptions } from '../../../decoding/options/options.ts';
import type { Engine } from '../../../engine/engine.ts';
import { loadEngine } from '../../../engine/node/load-engine.ts';
import { expectSame, type GoldenCase, withTitles } from '../../support/decoding-golden.ts';
import { DEFAULT_F32, GOLDEN, ODD_F32, ODD_INT4 } from '../../support/models.ts';

interface LongCase extends GoldenCase {
  readonly model: 'default' | 'odd';
  /** Of the model, or less. */
  readonly context: number;
}

/** A random text, and the model's log-probability of each of its tokens. */
interface FixedCase extends Omit<LongCase, 'sequences'> {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
}

const { cases } = JSON.parse(readFileSync(join(GOLDEN, 'long.json'), 'utf8')) as {
  cases: (LongCase | FixedCase)[];
};
const searches = cases.filter((golden): golden is LongCase => 'sequences' in golden && !golden.tie);
const fixed = cases.filter((golden): golden is FixedCase => 'logprobs' in golden);

describe('texts longer than the context', () => {
  const engines = new Map<string, Engine>();
  beforeAll(async () => {
    engines.set('default', await loadEngine(DEFAULT_F32));
    engines.set('odd', await loadEngine(ODD_F32));
  });
  afterAll(() => {
    for (const engine of engines.values()) engine.release();
  });

  /** The engine with the context of a case. */
  function modelOf({ model, context }: LongCase | FixedCase): Engine {
    const engine = engines.get(model) as Engine;
    return new Proxy(engine, {
      get(target, name) {
        if (name === 'contextLength') return context;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  it('has enough cases, and texts with many resets', () => {
    expect(searches.length).toBeGreaterThanOrEqual(40);
    expect(new Set(searches.map(({ options }) => options.num_beams ?? 1)).size).toBeGreaterThanOrEqual(5);
  });

  describe.each([...Map.groupBy(searches, ({ kind }) => kind)])('match the reference: %s', (_, ofKind) => {
    it.each(withTitles(ofKind))('%s', (_, golden) => expectSame(modelOf(golden as LongCase), golden));
  });

  it.each(fixed.map((golden) => [JSON.stringify(golden.options), golden] as const))(
    'have the log-probabilities of the reference, whatever is chosen: %s',
    async (_, golden) => {
      const { prompt, tokens, logprobs } = golden;
      const model: LanguageModel = modelOf(golden);
      const options: DecodingOptions = {
        ...golden.options,
        ...{ do_sample: true, logprobs: 0, ignore_eos: true, sequence_bias: biasTowards(prompt, tokens) },
      };
      const { sequences } = await decodeAll(model, prompt, options);
      const [text] = sequences;
      expect(text?.tokens).toEqual(tokens);
      for (const [i, { logprob }] of (text?.model_logprobs ?? []).entries()) {
        expect(Math.abs(logprob - (logprobs[i] as number))).toBeLessThan(1e-3);
      }
    },
  );
});

describe('a text longer than the context at int4', () => {
  it('has the bits of the same tokens from scratch, after each reset', async () => {
    const engine = await loadEngine(ODD_INT4, { maxRows: 16 });
    const options = { n_keep: 5, n_discard: 40, truncation: 'auto', ignore_eos: true } as const;
    const prompt = Array.from({ length: 90 }, (_, i) => (7 * i) % 300);
    const { sequences } = await decodeAll(engine, prompt, { ...options, max_new_tokens: 60 });
    const [text] = sequences;
    for (let i = 0; i < 60; i++) {
      const before = [...prompt, ...(text?.tokens.slice(0, i) ?? [])];
      const dropped = 40 * Math.ceil(Math.max(0, before.length - 96) / 40);
      const seen = before.toSpliced(5, dropped);
      const next = await decodeAll(engine, seen, { ...options, max_new_tokens: 1 });
      expect(next.sequences[0]?.token_logprobs).toEqual(text?.token_logprobs.slice(i, i + 1));
    }
    engine.release();
  });
});

/** Makes sampling choose these tokens, wherever the same tokens precede one of them. */
function biasTowards(prompt: readonly number[], tokens: readonly number[]): [number[], number][] {
  const text = [...prompt, ...tokens];
  return tokens.map((_, i) => [text.slice(Math.max(0, prompt.length + i - 8), prompt.length + i + 1), 1e6]);
}
