/** @module The time of decoding in a step, compared with a forward pass of the same number of rows. */
import { decode } from '../decoding/decode.ts';
import type { LogitsRow } from '../decoding/interface/logits-row.ts';
import type { LanguageModel } from '../decoding/interface/token-tree.ts';
import type { DecodingOptions } from '../decoding/options/options.ts';
import { LOGITS_SCRATCH, logitsKernel, TABLE_BYTES } from '../engine/kernels/logits.ts';
import { rowLender } from '../engine/model/lent-row.ts';
import { kernelModules, loadEngine } from '../engine/node/load-engine.ts';
import { createRandom, fillNormal } from '../model-assets/synthesize/normal.ts';
import type { Plan } from './measure.ts';
import { INT4_MODEL, INT8_MODEL } from './models.ts';
import { edgebeamSide } from './ours.ts';
import { PAST, syntheticToken } from './side.ts';

export interface DecodingShare {
  readonly name: string;
  readonly rows: number;
  /** Milliseconds per step, with what decoding reads in the model's memory, or copies from it. */
  readonly decoding: readonly number[];
  /** The same for a model that does not lend its logits. */
  readonly copying: readonly number[];
  /** Milliseconds per forward pass of `rows` rows. */
  readonly int8: readonly number[];
  readonly int4: readonly number[];
}

const VOCABULARY = 50_257;
const STEPS = 16;
const PRECOMPUTED_ROWS = 16;
const PAGE_BYTES = 65_536;
/** The address of the kernel's memory. */
const SCRATCH = PAGE_BYTES;
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
  const { lending, copying: copied } = await precomputedLogitsModels();
  const shares: DecodingShare[] = [];
  for (const [name, rows, options] of CONFIGURATIONS) {
    const [decoding, copying]: [number[], number[]] = [[], []];
    const [int8, int4]: [number[], number[]] = [[], []];
    for (let i = 0; i < WARM_UP_STEPS / STEPS; i++) {
      await stepMilliseconds(lending, options);
      await stepMilliseconds(copied, options);
    }
    for (let i = 0; i < plan.warmUps[1]; i++) {
      await int8Side.step(rows);
      await int4Side.step(rows);
    }
    for (let block = 0; block < plan.blocks; block++) {
      for (let i = 0; i < plan.callsPerBlock; i++) decoding.push(await stepMilliseconds(lending, options));
      for (let i = 0; i < plan.callsPerBlock; i++) copying.push(await stepMilliseconds(copied, options));
      for (let i = 0; i < plan.callsPerBlock; i++) int8.push((await int8Side.step(rows)).run);
      for (let i = 0; i < plan.callsPerBlock; i++) int4.push((await int4Side.step(rows)).run);
    }
    shares.push({ name, rows, decoding, copying, int8, int4 });
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

/** Rows of logits, distributed like those of a trained model, in a memory like the engine's. */
async function precomputedLogitsModels() {
  const random = createRandom(1, 'logits');
  const stride = 4 * (VOCABULARY + 1);
  const begin = SCRATCH + LOGITS_SCRATCH.bytes + TABLE_BYTES;
  const pages = Math.ceil((begin + PRECOMPUTED_ROWS * stride) / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const floats = (address: number, length: number) => new Float32Array(memory.buffer, address, length);
  const words = (address: number, length: number) => new Uint32Array(memory.buffer, address, length);
  for (let i = 0; i < PRECOMPUTED_ROWS; i++) {
    fillNormal(floats(begin + i * stride, VOCABULARY + 1), random, 2.5, -30);
  }
  const kernel = logitsKernel((await kernelModules()).logits, memory);
  const lendRow = rowLender({
    kernel,
    heap: { floats, words },
    scratch: SCRATCH,
    table: SCRATCH + LOGITS_SCRATCH.bytes,
    vocabSize: VOCABULARY,
  });
  let next = 0;
  const nextRow = () => lendRow(begin + (next++ % PRECOMPUTED_ROWS) * stride);
  return { lending: modelOf(nextRow, true), copying: modelOf(nextRow, false) };
}

function modelOf(nextRow: () => LogitsRow, lendsLogits: boolean): LanguageModel {
  return {
    vocabSize: VOCABULARY,
    contextLength: 1024,
    eosTokenIds: [VOCABULARY - 1],
    open: () => ({
      lendsLogits,
      append: (parent, token) => ({ token, parent, position: parent ? parent.position + 1 : 0 }),
      async evaluate(evaluations) {
        for (const { logits, read } of evaluations) {
          if (!logits && !read) continue;
          const row = nextRow();
          logits?.set(row.values);
          read?.(row);
        }
      },
      release() {},
      close() {},
    }),
  };
}
