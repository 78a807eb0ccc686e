/** @module What decoding itself takes of a step, beside the forward pass of the same number of rows. */
import { decode } from '../decoding/decode.ts';
import type { LanguageModel } from '../decoding/interface/token-tree.ts';
import type { DecodingOptions } from '../decoding/options/options.ts';
import { loadEngine } from '../engine/node/load-engine.ts';
import { createRandom, fillNormal } from '../model-assets/synthesize/normal.ts';
import type { Plan } from './measure.ts';
import { INT4, INT8 } from './models.ts';
import { oursSide } from './ours.ts';
import { PAST, someToken } from './side.ts';

export interface DecodingShare {
  readonly name: string;
  readonly rows: number;
  /** Milliseconds a step, the copy of the logits included. */
  readonly decoding: readonly number[];
  /** Of forward passes of so many rows. */
  readonly int8: readonly number[];
  readonly int4: readonly number[];
}

const VOCABULARY = 50_257;
const STEPS = 16;
/** Steps that are gone through before anything is measured, for V8 to optimize them. */
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

/** All in turn, block by block, in this process. */
export async function measureDecoding(plan: Plan): Promise<DecodingShare[]> {
  const engines = { int8: await loadEngine(INT8), int4: await loadEngine(INT4) };
  const [int8Side, int4Side] = [oursSide(engines.int8), oursSide(engines.int4)];
  const model = readyLogits();
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

/** Milliseconds a step of a whole generation. */
async function stepMilliseconds(model: LanguageModel, options: DecodingOptions): Promise<number> {
  const prompt = Array.from({ length: PAST }, (_, i) => someToken(i));
  const begin = performance.now();
  for await (const _ of decode(model, prompt, { ...options, max_new_tokens: STEPS }));
  return (performance.now() - begin) / STEPS;
}

/** A model that takes no time: its logits lie ready, spread as those of a trained one are. */
function readyLogits(): LanguageModel {
  const random = createRandom(1, 'logits');
  const ready = Array.from({ length: 16 }, () => {
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
        for (const { logits } of evaluations) logits?.set(ready[next++ % ready.length] as Float32Array);
      },
      release() {},
      close() {},
    }),
  };
}
