/**
 * @module Token healing with f32 assets beside Hugging Face `generate(token_healing=True)`
 * (`test/golden/make-healing-golden.py`): where both agree, and where they do not, by the reason.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { healPrompt } from '../../../decoding/constraints/automaton/healing.ts';
import { Vocabulary } from '../../../decoding/constraints/automaton/vocabulary.ts';
import { decodeAll } from '../../../decoding/decode.ts';
import type { Engine } from '../../../engine/engine.ts';
import { loadEngine } from '../../../engine/node/load-engine.ts';
import { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { DEFAULT_F32, GOLDEN } from '../../support/models.ts';

interface HealingCase {
  readonly kind: 'same' | 'space' | 'several' | 'original' | 'stripped' | 'shorter';
  readonly prompt: string;
  /** The prompt that transformers goes on with. */
  readonly healed: readonly number[];
  readonly generated: readonly number[];
}

const golden = JSON.parse(readFileSync(join(GOLDEN, 'healing.json'), 'utf8')) as {
  max_new_tokens: number;
  cases: HealingCase[];
};

describe('healed prompts of the default checkpoint in f32', () => {
  let engine: Engine;
  let tokenizer: Tokenizer;
  let vocabulary: Vocabulary;
  beforeAll(async () => {
    engine = await loadEngine(DEFAULT_F32);
    tokenizer = Tokenizer.read(engine.tokenizerFile);
    const { offsets, tokenBytes, sorted } = tokenizer.trie;
    vocabulary = new Vocabulary({ offsets, bytes: tokenBytes }, sorted);
  });
  afterAll(() => engine.release());

  it.each(golden.cases.map((one) => [one.kind, one.prompt, one] as const))(
    '%s: %j',
    async (kind, prompt, one) => {
      const ids = [...tokenizer.encode(prompt)];
      const { kept, removed } = healPrompt(ids, vocabulary);
      const options = { token_healing: true, max_new_tokens: golden.max_new_tokens };
      const { sequences } = await decodeAll(engine, ids, options, { vocabulary });
      const [{ tokens } = { tokens: [] }] = sequences;
      const ours = tokenizer.decode([...kept, ...tokens]);
      const theirs = tokenizer.decode([...one.healed, ...one.generated]);
      expect(ours.startsWith(prompt)).toBe(true);
      if (kind === 'same') {
        expect(ours.startsWith(theirs) || theirs.startsWith(ours)).toBe(true);
        return;
      }
      expect(ours.startsWith(theirs)).toBe(false);
      const last = tokenizer.tokenText(ids.at(-1) as number);
      const keeps = one.healed.join() === ids.join();
      const first = tokenizer.tokenText(tokens[0] as number);
      switch (kind) {
        case 'space':
          expect(last).toMatch(/^ [a-z]/);
          expect(keeps).toBe(true);
          expect(first.startsWith(last) && first !== last).toBe(true);
          break;
        case 'several':
          expect(removed.length).toBeGreaterThan(1);
          expect(one.healed.slice(0, -1)).toEqual(ids.slice(0, -1));
          expect(first.length).toBeGreaterThan(last.length);
          break;
        case 'original':
          expect(keeps).toBe(true);
          expect(removed).toHaveLength(1);
          expect(first.startsWith(last) && first !== last).toBe(true);
          break;
        case 'stripped':
          expect(theirs.startsWith(prompt.trim())).toBe(true);
          expect(prompt).not.toBe(prompt.trim());
          break;
        case 'shorter':
          expect(last.startsWith(first) && first !== last).toBe(true);
      }
    },
  );
});
