/**
 * @module Constrained answers of random models are whole and accepted by an independent judge: every kind of constraint,
 * every search, small maximum lengths. `CONSTRAINED_ANSWERS` sets their number.
 */
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { ConstraintError } from '../../../../decoding/constraints/automaton/errors.ts';
import { MaskCache } from '../../../../decoding/constraints/automaton/mask-cache.ts';
import { compileConstraint } from '../../../../decoding/constraints/compile.ts';
import { decodeAll } from '../../../../decoding/decode.ts';
import type { LanguageModel } from '../../../../decoding/interface/token-tree.ts';
import type { DecodingOptions } from '../../../../decoding/options/options.ts';
import { wasmPath } from '../../../../engine/kernels/build.ts';
import { Draw } from '../../../support/draw.ts';
import { modelOfRows, RowMemory } from '../../../support/lending-model.ts';
import { KINDS, randomConstraint } from '../../../support/random-constraints.ts';
import { randomVocabulary } from '../../../support/random-vocabulary.ts';

const ANSWERS = Number(process.env.CONSTRAINED_ANSWERS ?? 20_000) / KINDS.length;
const SEED = Number(process.env.SEED ?? 1);
/** Of JSON and of the expressions' texts, so that tokens span several parts of a text. */
const PIECES = [
  '{"',
  '": ',
  '", "',
  '"id"',
  'name',
  ' ',
  '\n  ',
  '}',
  ']',
  '1',
  '0.5',
  'ab',
  'é',
  '日本',
  '😀',
  'true',
  '\\u00',
  'yes',
  'days',
];

const SEARCHES: readonly DecodingOptions[] = [
  {},
  { do_sample: true, num_return_sequences: 8 },
  { do_sample: true, num_return_sequences: 8, top_k: 5, temperature: 2 },
  { do_sample: true, num_return_sequences: 4, min_p: 0.01, repetition_penalty: 1.2 },
  { do_sample: true, best_of: 4, num_return_sequences: 2 },
  { num_beams: 4, num_return_sequences: 4 },
  { num_beams: 3, num_return_sequences: 3, do_sample: true },
  { num_beams: 4, num_beam_groups: 2, diversity_penalty: 1, num_return_sequences: 2 },
  { num_beams: 3, num_return_sequences: 2, early_stopping: true, length_penalty: 0 },
  { num_beams: 2, num_return_sequences: 2, ignore_eos: true },
];

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await WebAssembly.compile(await readFile(wasmPath('logits')));
});

/** A model of noise, whose end of text is likely: constraints must keep texts going. */
function randomModel(vocabSize: number, memory: RowMemory, lends: boolean): LanguageModel {
  // The special one.
  const eos = vocabSize - 1;
  const logitsAfter = (token: number) => {
    const draw = new Draw(token + vocabSize);
    const row = Float32Array.from({ length: vocabSize }, () => draw.integer(-3000, 3000) / 1000);
    row[eos] = 3;
    return row;
  };
  return modelOfRows({ vocabSize, eosTokenIds: [eos], logitsAfter }, lends ? memory : undefined);
}

describe.each(KINDS)('answers of a %s', (kind) => {
  it('are whole, and have the form', async () => {
    const draw = new Draw(SEED);
    let answers = 0;
    let refused = 0;
    while (answers < ANSWERS) {
      const { vocabulary, bytes } = randomVocabulary(draw, PIECES, 200);
      const memory = new RowMemory(module, bytes.length);
      const { source, accepts } = randomConstraint(draw, kind);
      const told = JSON.stringify({ source, seed: SEED });
      let constraint: ReturnType<typeof compileConstraint>;
      try {
        constraint = compileConstraint(source, vocabulary, { masks: new MaskCache(2 ** 20) });
      } catch (error) {
        expect(error, told).toBeInstanceOf(ConstraintError);
        refused++;
        continue;
      }
      const least = constraint.leastTokens();
      const room = least + draw.pick([0, 0, 1, 2, 5, 12]);
      for (const search of SEARCHES) {
        const model = randomModel(bytes.length, memory, draw.integer(0, 1) === 1);
        const options = { max_new_tokens: Math.max(1, room), seed: draw.integer(0, 1000), ...search };
        const { sequences } = await decodeAll(model, [1], options, { constraint }).catch((error: unknown) => {
          throw new Error(`${told} ${JSON.stringify(options)}`, { cause: error });
        });
        for (const { tokens: ids, finish_reason } of sequences) {
          const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
            Uint8Array.from(ids.flatMap((id) => bytes[id] ?? [])),
          );
          const seen = `${told} ${JSON.stringify({ options, text })}`;
          expect(['eos', 'stop'], seen).toContain(finish_reason);
          expect(accepts(text), seen).toBe(true);
          answers++;
        }
      }
    }
    expect(refused).toBeLessThan(answers / 10);
  }, 600_000);
});
