/** @module Profiles the forward pass of GPT-2 124M at 4 bits, with a timer around each part. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogitsReader } from '../decoding/interface/logits-row.ts';
import type { PathNode } from '../engine/cache/radix-tree.ts';
import { adapterKernel } from '../engine/kernels/adapter.ts';
import { attentionKernel } from '../engine/kernels/attention.ts';
import { linearKernels } from '../engine/kernels/linear.ts';
import { logitsKernel } from '../engine/kernels/logits.ts';
import { Gpt2 } from '../engine/model/gpt2.ts';
import { type KernelNetworkSessions, kernelNetwork } from '../engine/model/kernel-network.ts';
import { readManifest } from '../engine/model/model-source.ts';
import { makePlan } from '../engine/model/plan.ts';
import { ReadAheadChoice } from '../engine/model/read-ahead.ts';
import { Weights } from '../engine/model/weights.ts';
import { folderSource, kernelModules, nodePlatform, startOrt } from '../engine/node/load-engine.ts';
import { createSessions, type Session } from '../engine/runtime/session.ts';
import type { ModelConfig } from '../model-assets/format/manifest.ts';
import { parametersOf } from '../model-assets/format/parameters.ts';
import { dotPeak } from './dot-peak.ts';
import { median } from './format.ts';
import { memoryReader } from './memory-reader.ts';
import { INT4_MODEL } from './models.ts';
import { PAST, PROMPT, syntheticToken } from './side.ts';

const PARTS = ['matmul', 'lm_head', 'attention', 'quantization and GELU', 'norms', 'embedding'] as const;
export type Part = (typeof PARTS)[number];

export interface Breakdown {
  readonly rows: number;
  /**
   * Medians in milliseconds. The rest of `whole` is spent between the parts: calls, paths, copies of logits.
   */
  readonly parts: Readonly<Record<Part, number>>;
  readonly whole: number;
  /** Reading all weights once: a lower bound for the pass. */
  readonly reading: number;
  /**
   * The products of rows and weights alone, at the peak of their instruction: another lower bound. Null where
   * the kernels have no instruction of their own.
   */
  readonly products: number | null;
}

/** Accumulates the time of each part over one pass. */
class PartTimer {
  readonly #times: Record<Part, number> = Object.fromEntries(PARTS.map((part) => [part, 0])) as Record<
    Part,
    number
  >;

  wrap<Args extends unknown[], Result>(part: Part, call: (...args: Args) => Result) {
    return (...args: Args): Result => {
      const begin = performance.now();
      const result = call(...args);
      this.#times[part] += performance.now() - begin;
      return result;
    };
  }

  /** Returns the times, and starts again from 0. */
  reset(): Record<Part, number> {
    const times = { ...this.#times };
    for (const part of PARTS) this.#times[part] = 0;
    return times;
  }
}

/** @param calls measured calls, after the warm-up */
export async function measureBreakdown(warmUp: number, calls: number): Promise<Breakdown[]> {
  const timer = new PartTimer();
  const { model, past, readWeights, peak } = await timedModel(timer);
  return [1, 4, 8, PROMPT].map((rows) => {
    const pass = () => {
      const nodes = rows === PROMPT ? appendChain(model, null, rows) : appendSiblings(model, past, rows);
      const logits = new Float32Array(model.config.vocab_size);
      const copy: LogitsReader = ({ values }) => logits.set(values);
      const firstWithLogits = rows === PROMPT ? rows - 1 : 0;
      const begin = performance.now();
      for (let i = 0; i < rows; i += model.maxRows) {
        const batch = nodes.slice(i, i + model.maxRows);
        model.forward(batch.map((node, j) => ({ node, readers: i + j >= firstWithLogits ? [copy] : [] })));
      }
      const whole = performance.now() - begin;
      const beginRead = performance.now();
      readWeights();
      const reading = performance.now() - beginRead;
      const beginPeak = performance.now();
      peak?.run();
      const perProduct = (performance.now() - beginPeak) / (peak?.multiplications ?? 1);
      for (const { slot } of nodes) model.pool.free(slot);
      const products = perProduct * multiplications(model.config, rows, rows - firstWithLogits);
      return { whole, reading, products, ...timer.reset() };
    };
    for (let i = 0; i < warmUp; i++) pass();
    const passes = Array.from({ length: calls }, pass);
    const medianOf = (name: Part | 'whole' | 'reading' | 'products') =>
      median(passes.map((times) => times[name]));
    return {
      rows,
      whole: medianOf('whole'),
      reading: medianOf('reading'),
      products: peak && medianOf('products'),
      parts: Object.fromEntries(PARTS.map((part) => [part, medianOf(part)])) as Record<Part, number>,
    };
  });
}

/** Without attention, whose products are few and not of weights. */
export function multiplications(config: ModelConfig, rows: number, rowsWithLogits: number): number {
  const weights = parametersOf(config).map(({ kind, shape: [inputs = 0, outputs = 0] }) =>
    kind === 'linear' ? inputs * outputs : 0,
  );
  const perRow = weights.reduce((sum, count) => sum + count);
  return rows * perRow + rowsWithLogits * config.vocab_size * config.n_embd;
}

async function timedModel(timer: PartTimer) {
  const ort = await startOrt();
  const source = folderSource(INT4_MODEL);
  const manifest = await readManifest(source);
  const files = Object.entries(manifest.graphs).map(
    async ([name, { path }]) => [name, await readFile(join(INT4_MODEL, path))] as const,
  );
  const sessions = createSessions(ort, Object.fromEntries(await Promise.all(files)));
  const plan = makePlan(ort.heap.account, manifest, { cache: 'int8', maxRows: 32 });
  const neverAborted = new AbortController().signal;
  const weights = await Weights.load(ort, manifest, source, nodePlatform.sha256, neverAborted);
  const modules = await kernelModules();
  const { kernels, dotProduct } = linearKernels(modules.linear, ort.heap.memory);
  const attention = attentionKernel(modules.attention, ort.heap.memory);
  const network = kernelNetwork(
    ort,
    manifest.config,
    timedSessions(timer, sessions) as unknown as KernelNetworkSessions,
    {
      quantizeRows: timer.wrap('quantization and GELU', kernels.quantizeRows),
      geluQuantized: timer.wrap('quantization and GELU', kernels.geluQuantized),
      norm: timer.wrap('norms', kernels.norm),
      residualNorm: timer.wrap('norms', kernels.residualNorm),
      // At int4, only lm_head has 8 bits.
      matmulInt4: timer.wrap('matmul', kernels.matmulInt4),
      matmulInt8: timer.wrap('lm_head', kernels.matmulInt8),
      embed: timer.wrap('embedding', kernels.embed),
      embedInt4: timer.wrap('embedding', kernels.embedInt4),
      setReadAhead: kernels.setReadAhead,
      ...adapterKernel(modules.adapter, ort.heap.memory),
      ...logitsKernel(modules.logits, ort.heap.memory),
    },
    weights,
    plan.maxRows,
  );
  const timedAttention = {
    attend: timer.wrap('attention', attention.attend),
    attendInt8: timer.wrap('attention', attention.attendInt8),
  };
  const model = new Gpt2(ort, timedAttention, manifest.config, network, plan);
  model.pool.reserve(PAST + 2 * PROMPT);
  const past = appendChain(model, null, PAST);
  for (let i = 0; i < PAST; i += plan.maxRows) {
    model.forward(past.slice(i, i + plan.maxRows).map((node) => ({ node, readers: [] })));
  }
  const readAhead = ReadAheadChoice.of(manifest.config, kernels.setReadAhead);
  while (readAhead && readAhead.value === undefined) {
    const [node] = appendSiblings(model, past.at(-1) as PathNode, 1) as [PathNode];
    readAhead.prepare(1, 1);
    const begin = performance.now();
    model.forward([{ node, readers: [() => {}] }]);
    readAhead.add(performance.now() - begin);
    model.pool.free(node.slot);
  }
  timer.reset();
  const bytes = manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const readWeights = memoryReader(ort.heap.memory, weights.begin, bytes);
  const peak = dotProduct === 'plain' ? null : await dotPeak(dotProduct);
  return { model, past: past.at(-1) as PathNode, readWeights, peak };
}

function timedSessions(timer: PartTimer, sessions: Readonly<Record<string, Session>>) {
  const entries = Object.entries(sessions).map(([name, session]) => {
    const bind: Session['bind'] = (...args) => timer.wrap('norms', session.bind(...args));
    return [name, { bind, release: () => session.release() }] as const;
  });
  return Object.fromEntries(entries);
}

/** Appends tokens one after the other. */
function appendChain(model: Gpt2, parent: PathNode | null, count: number): PathNode[] {
  const nodes: PathNode[] = [];
  for (let i = 0; i < count; i++) nodes.push(createNode(model, nodes.at(-1) ?? parent, i));
  return nodes;
}

/** Appends siblings. */
function appendSiblings(model: Gpt2, parent: PathNode, count: number): PathNode[] {
  return Array.from({ length: count }, (_, i) => createNode(model, parent, i));
}

function createNode(model: Gpt2, parent: PathNode | null, i: number): PathNode {
  const position = parent ? parent.position + 1 : 0;
  return { token: syntheticToken(i), position, parent, slot: model.pool.allocate() };
}
