/**
 * @module LoRA adapters beside their base against peft's own forward pass: `test/golden/make-lora-golden.py`. f32 to
 * rounding errors; int8 and int4 to those of the quantized base, and there with the same bits in any company.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAll } from '../../../../decoding/decode.ts';
import type { LanguageModel } from '../../../../decoding/interface/token-tree.ts';
import { Engine, type KernelModules } from '../../../../engine/engine.ts';
import { folderSource, kernelModules, nodePlatform, startOrt } from '../../../../engine/node/load-engine.ts';
import type { Ort } from '../../../../engine/runtime/ort.ts';
import { convert } from '../../../../model-assets/convert/convert.ts';
import type { Precision } from '../../../../model-assets/format/manifest.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';
import { addWritten, LORA_BASES, type LoraCase, readLoraGolden } from '../../../support/lora-golden.ts';
import { decodeRow } from '../../../support/network-cases.ts';
import { appendAll, largestDifference, logitsOf, sequenceLogits } from '../../../support/rows.ts';

const golden = await readLoraGolden();
const cases = golden.map((testCase, index) => {
  const { r, target_modules } = testCase.config;
  return { ...testCase, name: `case-${index}`, title: `${index}: rank ${r} of ${target_modules}`, index };
});
/** Of logits and scores. */
const TOLERANCE = 1e-3;

let ort: Ort;
let kernels: KernelModules;
let dir: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  [ort, kernels, dir] = await Promise.all([startOrt(), kernelModules(), temporaryFolder()]);
});
afterAll(async () => {
  expect(ort.heap.account).toMatchObject({ weights: 0, adapters: 0, activations: 0, cache: 0 });
  await dir[Symbol.asyncDispose]();
});

/** A base with the adapters of all its cases. */
async function load(base: LoraCase['base'], precision: Precision): Promise<Engine> {
  const model = join(dir.path, `${base}-${precision}`);
  await convert({ source: LORA_BASES[base], out: model, precision, calibration: 'none' });
  for (const { name, config, tensors, index } of cases.filter((testCase) => testCase.base === base))
    await addWritten(model, name, { config, tensors, seed: 100 * index });
  return Engine.load(ort, { source: folderSource(model), platform: nodePlatform, kernels, maxRows: 64 });
}

/** Bases in one precision, for the tests of a block. */
function bases(precision: Precision): (base: LoraCase['base']) => Engine {
  const engines: Partial<Record<LoraCase['base'], Engine>> = {};
  beforeAll(async () => {
    engines.odd = await load('odd', precision);
    engines.gelu = await load('gelu', precision);
  });
  afterAll(() => {
    for (const engine of Object.values(engines)) engine.release();
  });
  return (base) => engines[base] as Engine;
}

it('there are at least 20 adapters, of ranks from 1 to 64, of each target and of all', () => {
  expect(cases.length).toBeGreaterThanOrEqual(20);
  const ranks = cases.map(({ config }) => config.r as number);
  expect([Math.min(...ranks), Math.max(...ranks)]).toEqual([1, 64]);
});

describe('at f32', () => {
  const engineOf = bases('f32');

  it.each(cases)('$title: logits, greedy search and beams are those of peft', async (testCase) => {
    const { base, name, prompt, logits, greedy, beams, scores } = testCase;
    const model = engineOf(base).withAdapter(name);
    const row = (await sequenceLogits(model, prompt)).at(-1) as Float32Array;
    expect(largestDifference(decodeRow(logits), row)).toBeLessThanOrEqual(TOLERANCE);
    const options = { max_new_tokens: greedy.length, ignore_eos: true };
    const one = await decodeAll(model, prompt, options);
    expect(one.sequences[0]?.tokens).toEqual(greedy);
    const several = await decodeAll(model, prompt, { ...options, num_beams: 4, num_return_sequences: 4 });
    expect(several.sequences.map(({ tokens }) => tokens)).toEqual(beams);
    for (const [i, { score }] of several.sequences.entries())
      expect(Math.abs((score ?? Number.NaN) - (scores[i] ?? Number.NaN))).toBeLessThanOrEqual(TOLERANCE);
  });

  it('rows of an adapter and of none are what they are alone', async () => {
    const engine = engineOf('odd');
    const prompt = [5, 1, 200, 256];
    const plain = (await sequenceLogits(engine, prompt)).at(-1) as Float32Array;
    const { rows } = await together(engine, [engine, engine.withAdapter('case-0')], prompt);
    expect(largestDifference(plain, rows[0] as Float32Array)).toBeLessThan(1e-5);
  });
});

describe.each(['int8', 'int4'] as const)('at %s', (precision) => {
  const engineOf = bases(precision);

  it('has about the texts of peft, as far as the quantized base has', async () => {
    const divergences: number[] = [];
    for (const { base, name, prompt, logits } of cases) {
      const row = (await sequenceLogits(engineOf(base).withAdapter(name), prompt)).at(-1) as Float32Array;
      divergences.push(divergence(decodeRow(logits), row));
    }
    // The bases have random weights, and without calibration 4 bits leave little of them.
    const mean = divergences.reduce((sum, value) => sum + value, 0) / divergences.length;
    console.log(
      `${precision}: mean KL ${mean.toExponential(2)}, most ${Math.max(...divergences).toExponential(2)}`,
    );
    expect(mean).toBeLessThan(precision === 'int8' ? 0.01 : 0.5);
  });

  it.each(['odd', 'gelu'] as const)(
    'the rows of %s depend on their path and adapter alone, whoever shares the pass',
    async (base) => {
      const engine = engineOf(base);
      const names = cases.filter((testCase) => testCase.base === base).map(({ name }) => name);
      const models = [engine, ...names.map((name) => engine.withAdapter(name)), engine];
      const prompt = [5, 1, 200, 256, 17];
      const alone: Float32Array[] = [];
      for (const model of models) alone.push(await singly(model, prompt));
      const { rows, lastPasses } = await together(engine, models, prompt);
      expect(rows).toEqual(alone);
      expect(lastPasses).toBe(1);
      const distinct = new Set(alone.map((row) => row.join()));
      expect(distinct.size).toBe(models.length - 1);
    },
  );
});

const passesOf = (engine: Engine): number =>
  engine.passCounts.passesByRows.reduce((sum, [, passes]) => sum + passes, 0);

/** The logits of the last token, one token a pass. */
async function singly(model: LanguageModel, prompt: readonly number[]): Promise<Float32Array> {
  const tree = model.open(prompt.length);
  const rows: Float32Array[] = [];
  for (const node of appendAll(tree, null, prompt)) rows.push(...(await logitsOf(model, tree, [node])));
  tree.close();
  return rows.at(-1) as Float32Array;
}

/** The logits of the last token for each model, whose rows share passes. */
async function together(engine: Engine, models: readonly LanguageModel[], prompt: readonly number[]) {
  const requests = models.map((model) => {
    const tree = model.open(prompt.length);
    return { tree, nodes: appendAll(tree, null, prompt), row: new Float32Array(model.vocabSize) };
  });
  // The prompts first, so that all are in the pass of the last tokens.
  await Promise.all(
    requests.map(({ tree, nodes }) => tree.evaluate(nodes.slice(0, -1).map((node) => ({ node })))),
  );
  const before = passesOf(engine);
  await Promise.all(
    requests.map(({ tree, nodes, row }) =>
      tree.evaluate(nodes.slice(-1).map((node) => ({ node, logits: row }))),
    ),
  );
  for (const { tree } of requests) tree.close();
  return { rows: requests.map(({ row }) => row), lastPasses: passesOf(engine) - before };
}

/** KL divergence of softmax(b) from softmax(a). */
function divergence(a: Float32Array, b: Float32Array): number {
  const logSoftmax = (row: Float32Array) => {
    const largest = row.reduce((most, value) => Math.max(most, value), -Infinity);
    const total = row.reduce((sum, value) => sum + Math.exp(value - largest), 0);
    return Float64Array.from(row, (value) => value - largest - Math.log(total));
  };
  const [p, q] = [logSoftmax(a), logSoftmax(b)];
  return p.reduce((sum, value, i) => sum + Math.exp(value) * (value - (q[i] ?? Number.NaN)), 0);
}
