/** @module The time of decoding in a step, compared with a forward pass of the same number of rows. */
import { decode } from '../decoding/decode.ts';
import type { LanguageModel } from '../decoding/interface/token-tree.ts';
import type { DecodingOptions } from '../decoding/options/options.ts';
import { loadEngine } from '../engine/node/load-engine.ts';
import { createRandom, fillNormal } from '../model-assets/synthesize/normal.ts';
import type { Plan } from './measure.ts';
import { INT4_MODEL, INT8_MODEL } from './models.ts';
import { edgebeamSide } from './ours.ts';
import { PAST, syntheticToken } from './side.ts';

export interface DecodingShare {
  readonly name: string;
  readonly rows: number;
  /** Milliseconds per step, including the copy of the logits. */
  readonly decoding: readonly number[];
  /** Milliseconds per forward pass of `rows` rows. */
  readonly int8: readonly number[];
  readonly int4: readonly number[];
}

const VOCABULARY = 50_257;
const STEPS = 16;
/** Unmeasured steps, in which V8 optimizes the code. */
const WARM_UP_STEPS = 200;

const SAMPLING = { do_sample: true, temperature: 0.8, top_k: 50, top_p: 0.95 };
const PROCESSORS = { repetition_penalty: 1.2, no_repeat_ngram_size: 3, min_new_tokens: 8 };

const CONFIGURATIONS: readonly (readonly [name: string, rows: number, options: DecodingOptions])[] = [
  ['greedy', 1, {}],
  ['sampling, top_k 50 and top_p 0.95', 1, SAMPLING],
  ['sampling, top_p 0.95', 1, { ...SAMPLING, top_k: 0 }],
  ['4 beams', 4, { num_beams: 4 }],
  ['4 beams, 3 processors', 4, { num_beams: 4, ...PROCESSORS }],
  ['4 beams, sampled', 4, { num_beams: 4, ...SAMPLING }],
  ['4 beams in 2 groups', 4, { num_beams: 4, num_beam_groups: 2, diversity_penalty: 0.5 }],
  ['8 beams', 8, { num_beams: 8 }],
  ['8 beams, 3 processors', 8, { num_beams: 8, ...PROCESSORS }],
];

/** Measures all in turn, block by block, in this process. */
export async function measureDecoding(plan: Plan): Promise<DecodingShare[]> {
  const engines = { int8: await loadEngine(INT8_MODEL), int4: await loadEngine(INT4_MODEL) };
  const [int8Side, int4Side] = [edgebeamSide(engines.int8), edgebeamSide(engines.int4)];
  const model = precomputedLogitsModel();
  const shares: DecodingShare[] = [];
  for (const [name, rows, options] of CONFIGURATIONS) {
    const [decoding, int8, int4]: [number[], number[], number[]] = [[], [], []];
    for (let i = 0; i < WARM_UP_STEPS / STEPS; i++) await stepMilliseconds(model, options);
    for (let i = 0; i < plan.warmUps[1]; i++) {
      await int8Side.step(rows);
      await int4Side.step(rows);
    }
    for (let block = 0; block < plan.blocks; block++) {
      for (let i = 0; i < plan.callsPerBlock; i++) decoding.push(await stepMilliseconds(model, options));
      for (let i = 0; i < plan.callsPerBlock; i++) int8.push((await int8Side.step(rows)).run);
      for (let i = 0; i < plan.callsPerBlock; i++) int4.push((await int4Side.step(rows)).run);
    }
    shares.push({ name, rows, decoding, int8, int4 });
  }
  for (const engine of Object.values(engines)) engine.release();
  return shares;
}

/** Milliseconds per step, averaged over a whole generation. */
async function stepMilliseconds(model: LanguageModel, options: DecodingOptions): Promise<number> {
  const prompt = Array.from({ length: PAST }, (_, i) => syntheticToken(i));
  const begin = performance.now();
  for await (const _ of decode(model, prompt, { ...options, max_new_tokens: STEPS }));
  return (performance.now() - begin) / STEPS;
}

/** A model with precomputed logits, distributed like those of a trained model. */
function precomputedLogitsModel(): LanguageModel {
  const random = createRandom(1, 'logits');
  const precomputed = Array.from({ length: 16 }, () => {
    const row = new Float32Array(VOCABULARY + 1);
    fillNormal(row, random, 2.5, -30);
    return row.subarray(0, VOCABULARY);
  });
  let next = 0;
  return {
    vocabSize: VOCABULARY,
    contextLength: 1024,
    eosTokenIds: [VOCABULARY - 1],
    open: () => ({
      append: (parent, token) => ({ token, parent, position: parent ? parent.position + 1 : 0 }),
      async evaluate(evaluations) {
        for (const { logits } of evaluations)
          logits?.set(precomputed[next++ % precomputed.length] as Float32Array);
      },
      release() {},
      close() {},
    }),
  };
}
