/**
 * @module Every field of GPT2Config that changes the network, against transformers: f32 to rounding errors, int8 and
 * int4 to those of their quantization, and there with the same bits in any company.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { LogitsRow } from '../../../../decoding/interface/logits-row.ts';
import type { TreeNode } from '../../../../decoding/interface/token-tree.ts';
import { Engine } from '../../../../engine/engine.ts';
import type { KernelModules } from '../../../../engine/model/load-model.ts';
import { folderSource, kernelModules, nodePlatform, startOrt } from '../../../../engine/node/load-engine.ts';
import type { Ort } from '../../../../engine/runtime/ort.ts';
import { convert } from '../../../../model-assets/convert/convert.ts';
import type { Precision } from '../../../../model-assets/format/manifest.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';
import {
  decodeRow,
  type NetworkCase,
  readNetworkGolden,
  writeNetworkCheckpoint,
} from '../../../support/network-cases.ts';
import { appendAll, largestDifference, logitsOf, sequenceLogits } from '../../../support/rows.ts';

const golden = await readNetworkGolden();
const { prompts, cases } = golden;
const [, prompt = []] = prompts;

/** Of logits from -4 to 4. gelu and its tanh form differ by 1.4e-5. */
const ROUNDING = 5e-6;
/** The errors of 8 bits, and of 4 without calibration, where the embedding has 4 too. */
const QUANTIZATION = { int8: 0.12, int4: 1 } as const;
const PRECISIONS = ['int8', 'int4'] as const;

let ort: Ort;
let kernels: KernelModules;
beforeAll(async () => {
  [ort, kernels] = await Promise.all([startOrt(), kernelModules()]);
});
afterAll(() => expect(ort.heap.account.weights).toBe(0));

/** A case as an engine, until the end of the test. All cases share an instance of onnxruntime. */
async function load(
  checkpoint: Pick<NetworkCase, 'config' | 'head'>,
  precision: Precision,
  dtype?: 'F64',
): Promise<Engine> {
  await using dir = await temporaryFolder();
  await writeNetworkCheckpoint(dir.path, golden, checkpoint, dtype);
  const out = `${dir.path}/model`;
  await convert({ source: dir.path, out, precision, calibration: 'none' });
  const engine = await Engine.load(ort, {
    source: folderSource(out),
    platform: nodePlatform,
    kernels,
    maxRows: 64,
  });
  onTestFinished(() => engine.release());
  return engine;
}

async function errorOf(engine: Engine, { logits }: NetworkCase): Promise<number> {
  const errors: number[] = [];
  for (const [i, row] of logits.entries()) {
    const found = (await sequenceLogits(engine, prompts[i] ?? [])).at(-1) as Float32Array;
    errors.push(largestDifference(decodeRow(row), found));
  }
  return Math.max(...errors);
}

describe.each(cases.map((testCase, index) => ({ ...testCase, index })))('$name', ({ index, ...testCase }) => {
  it('has the logits of transformers at f32', async () => {
    const engine = await load(testCase, 'f32');
    expect(await errorOf(engine, testCase)).toBeLessThan(ROUNDING);
  });

  // The precisions differ in linear layers and embeddings only.
  const precisions = testCase.head === 'none' ? ([index % 2 ? 'int8' : 'int4'] as const) : PRECISIONS;
  it.each(precisions)('has about these logits at %s, the same in any company', async (precision) => {
    const engine = await load(testCase, precision);
    expect(await errorOf(engine, testCase)).toBeLessThan(QUANTIZATION[precision]);
    const rows = await singly(engine);
    expect(await inCompany(engine)).toEqual(rows);
    expect(await fewTokens(engine)).toEqual(FEW.map((token) => rows.at(-1)?.[token]));
  });
});

/** The logits of every token of the prompt, one token a pass. */
async function singly(engine: Engine): Promise<Float32Array[]> {
  const tree = engine.open(prompt.length);
  const rows: Float32Array[] = [];
  for (const node of appendAll(tree, null, prompt)) rows.push(...(await logitsOf(engine, tree, [node])));
  tree.close();
  return rows;
}

/** The same in one pass with other rows between them. */
async function inCompany(engine: Engine): Promise<Float32Array[]> {
  const tree = engine.open(2 * prompt.length);
  const nodes = appendAll(tree, null, prompt).flatMap((node, i) => [tree.append(null, i), node]);
  const rows = await logitsOf(engine, tree, nodes);
  tree.close();
  return rows.filter((_, i) => i % 2 === 1);
}

/** Ascending, in the first, in the last and in other tiles of the lm_head. */
const FEW = [0, 3, 150, 306];

/** The last token's logits of few tokens, whose products alone are computed. */
async function fewTokens(engine: Engine): Promise<number[]> {
  const tree = engine.open(prompt.length);
  const nodes = appendAll(tree, null, prompt);
  const last = nodes.at(-1) as TreeNode;
  for (const node of nodes.slice(0, -1)) await tree.evaluate([{ node }]);
  let logits: number[] = [];
  const read = ({ values }: LogitsRow) => {
    logits = FEW.map((token) => values[token] as number);
  };
  await tree.evaluate([{ node: last, read, only: Uint32Array.from(FEW) }]);
  tree.close();
  return logits;
}

it('has the same weights in F64', async () => {
  const checkpoint = { config: {}, head: 'other' } as const;
  const [expected, found] = [await load(checkpoint, 'int4'), await load(checkpoint, 'int4', 'F64')];
  expect(found.manifest.provenance.dtypes).toEqual(['F64']);
  expect(found.manifest.shards).toEqual(expected.manifest.shards);
});
