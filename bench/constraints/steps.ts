/**
 * @module What a constraint costs in a step: whole answers of GPT-2 124M at int4 with a JSON schema and without one, in
 * turn.
 */
import { MaskCache } from '../../decoding/constraints/automaton/mask-cache.ts';
import { compileConstraint } from '../../decoding/constraints/compile.ts';
import { decode } from '../../decoding/decode.ts';
import type { LanguageModel } from '../../decoding/interface/token-tree.ts';
import type { DecodingOptions } from '../../decoding/options/options.ts';
import { loadEngine } from '../../engine/node/load-engine.ts';
import { INT4_MODEL } from '../models.ts';
import { SCHEMAS } from './schemas.ts';
import { type BenchVocabulary, loadGpt2 } from './vocabulary.ts';

/** Milliseconds a step, one figure for each answer. */
export interface ConstrainedSteps {
  readonly name: string;
  readonly without: readonly number[];
  readonly constrained: readonly number[];
  /** Of the compilations, which the steps do not include. */
  readonly compilations: readonly number[];
}

export interface StepsPlan {
  readonly rounds: number;
  /** The longest answer. */
  readonly tokens: number;
}

const MASK_BYTES = 2 ** 20;
const PROMPT = 'Answer with a JSON object that has the wanted form:';

const SAMPLING = { do_sample: true, temperature: 0.8, top_p: 0.95 };
const CONFIGURATIONS: readonly (readonly [name: string, options: DecodingOptions])[] = [
  ['greedy', {}],
  ['sampling, top_p 0.95', SAMPLING],
  ['4 beams', { num_beams: 4, early_stopping: true }],
  ['4 beams, sampled', { num_beams: 4, early_stopping: true, ...SAMPLING }],
  ['4 beams, log-probabilities', { num_beams: 4, early_stopping: true, logprobs: 5 }],
];

export async function measureConstrainedSteps({ rounds, tokens }: StepsPlan): Promise<ConstrainedSteps[]> {
  const engine = await loadEngine(INT4_MODEL);
  try {
    const answers = answersOf(engine, await loadGpt2(), tokens);
    // A round for V8 to optimize the code.
    for (const [, options] of CONFIGURATIONS) await answers(options, 0);
    const results: ConstrainedSteps[] = [];
    for (const [name, options] of CONFIGURATIONS) {
      const [without, constrained, compilations]: number[][] = [[], [], []];
      for (let round = 0; round < rounds; round++) {
        for (const figures of await answers(options, round)) {
          without?.push(figures.without);
          constrained?.push(figures.constrained);
          compilations?.push(figures.compilation);
        }
      }
      results.push({
        name,
        without: without ?? [],
        constrained: constrained ?? [],
        compilations: compilations ?? [],
      });
    }
    return results;
  } finally {
    engine.release();
  }
}

/** Answers of all schemas, each after one of the same length without it. */
function answersOf(engine: LanguageModel, { vocabulary, encode }: BenchVocabulary, tokens: number) {
  const masks = new MaskCache(MASK_BYTES);
  const prompt = encode(PROMPT);
  return async (options: DecodingOptions, round: number) => {
    const figures: { without: number; constrained: number; compilation: number }[] = [];
    for (const [i, schema] of SCHEMAS.entries()) {
      const seeded = { ...options, ...(options.do_sample && { seed: SCHEMAS.length * round + i }) };
      const begin = performance.now();
      // As for a request whose schema is new.
      const constraint = compileConstraint({ type: 'json_schema', schema }, vocabulary, { masks });
      const compilation = performance.now() - begin;
      const constrained = await answer({ ...seeded, max_new_tokens: tokens }, constraint);
      const without = await answer({ ...seeded, max_new_tokens: constrained.steps, ignore_eos: true });
      figures.push({
        compilation,
        without: without.milliseconds / without.steps,
        constrained: constrained.milliseconds / constrained.steps,
      });
    }
    return figures;
  };

  async function answer(options: DecodingOptions, constraint?: ReturnType<typeof compileConstraint>) {
    let steps = 0;
    const begin = performance.now();
    for await (const { type } of decode(engine, prompt, options, { constraint })) {
      if (type === (options.num_beams ? 'beams' : 'token')) steps++;
    }
    return { steps, milliseconds: performance.now() - begin };
  }
}
