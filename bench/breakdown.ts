/** @module Where the time of a step goes, for GPT-2 124M at 4 bits: the forward pass put together from timed parts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PathNode } from '../engine/cache/radix-tree.ts';
import { attentionKernel } from '../engine/kernels/attention.ts';
import { linearKernels } from '../engine/kernels/linear.ts';
import { Gpt2 } from '../engine/model/gpt2.ts';
import { type KernelNetworkSessions, kernelNetwork } from '../engine/model/kernel-network.ts';
import { readManifest } from '../engine/model/model-source.ts';
import { makePlan } from '../engine/model/plan.ts';
import { Weights } from '../engine/model/weights.ts';
import { folderSource, kernelModules, nodePlatform, startOrt } from '../engine/node/load-engine.ts';
import { createSessions, type Session } from '../engine/runtime/session.ts';
import { median } from './format.ts';
import { memoryReader } from './memory-reader.ts';
import { INT4 } from './models.ts';
import { PAST, PROMPT, someToken } from './side.ts';

const PARTS = ['products', 'head', 'attention', 'norms and activations', 'embedding'] as const;
export type Part = (typeof PARTS)[number];

export interface Breakdown {
  readonly rows: number;
  /** Medians, in milliseconds; what is in no part is between them: calls, paths, copies of logits. */
  readonly parts: Readonly<Record<Part, number>>;
  readonly whole: number;
  /** Reading all weights once: nothing that uses them can be faster. */
  readonly floor: number;
}

/** What the parts of one pass have taken. */
class Watch {
  readonly spent: Record<Part, number> = Object.fromEntries(PARTS.map((part) => [part, 0])) as Record<
    Part,
    number
  >;

  timed<Args extends unknown[], Result>(part: Part, work: (...args: Args) => Result) {
    return (...args: Args): Result => {
      const begin = performance.now();
      const result = work(...args);
      this.spent[part] += performance.now() - begin;
      return result;
    };
  }

  take(): Record<Part, number> {
    const spent = { ...this.spent };
    for (const part of PARTS) this.spent[part] = 0;
    return spent;
  }
}

/** @param calls how many after the warm-up */
export async function measureBreakdown(warmUp: number, calls: number): Promise<Breakdown[]> {
  const watch = new Watch();
  const { model, past, readWeights } = await timedModel(watch);
  return [1, 4, 8, PROMPT].map((rows) => {
    const pass = () => {
      const nodes = rows === PROMPT ? chain(model, null, rows) : fan(model, past, rows);
      const logits = new Float32Array(model.config.vocab_size);
      const asking = rows === PROMPT ? rows - 1 : 0;
      const begin = performance.now();
      for (let i = 0; i < rows; i += model.maxRows) {
        const some = nodes.slice(i, i + model.maxRows);
        model.forward(some.map((node, j) => (i + j >= asking ? { node, logits } : { node })));
      }
      const whole = performance.now() - begin;
      const read = performance.now();
      readWeights();
      const floor = performance.now() - read;
      for (const { slot } of nodes) model.pool.give(slot);
      return { whole, floor, ...watch.take() };
    };
    for (let i = 0; i < warmUp; i++) pass();
    const passes = Array.from({ length: calls }, pass);
    const of = (part: Part | 'whole' | 'floor') => median(passes.map((one) => one[part]));
    return {
      rows,
      whole: of('whole'),
      floor: of('floor'),
      parts: Object.fromEntries(PARTS.map((part) => [part, of(part)])) as Record<Part, number>,
    };
  });
}

async function timedModel(watch: Watch) {
  const ort = await startOrt();
  const source = folderSource(INT4);
  const manifest = await readManifest(source);
  const files = Object.entries(manifest.graphs).map(
    async ([name, { path }]) => [name, await readFile(join(INT4, path))] as const,
  );
  const sessions = createSessions(ort, Object.fromEntries(await Promise.all(files)));
  const plan = makePlan(ort.heap.account, manifest, { cache: 'int8', maxRows: 32 });
  const never = new AbortController().signal;
  const weights = await Weights.load(ort, manifest, source, nodePlatform.sha256, never);
  const modules = await kernelModules();
  const kernels = linearKernels(modules.linear, ort.heap.memory);
  const attention = attentionKernel(modules.attention, ort.heap.memory);
  const network = kernelNetwork(
    ort,
    manifest.config,
    timedSessions(watch, sessions) as unknown as KernelNetworkSessions,
    {
      matmul: watch.timed('products', kernels.matmul),
      lmHead: watch.timed('head', kernels.lmHead),
      embed: watch.timed('embedding', kernels.embed),
    },
    weights,
    plan.maxRows,
  );
  const timedAttention = {
    attend: watch.timed('attention', attention.attend),
    attendInt8: watch.timed('attention', attention.attendInt8),
  };
  const model = new Gpt2(ort, timedAttention, manifest.config, network, plan);
  model.pool.reserve(PAST + 2 * PROMPT);
  const past = chain(model, null, PAST);
  for (let i = 0; i < PAST; i += plan.maxRows) {
    model.forward(past.slice(i, i + plan.maxRows).map((node) => ({ node })));
  }
  const bytes = manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const readWeights = memoryReader(ort.heap.memory, weights.begin, bytes);
  return { model, past: past.at(-1) as PathNode, readWeights };
}

function timedSessions(watch: Watch, sessions: Readonly<Record<string, Session>>) {
  const entries = Object.entries(sessions).map(([name, session]) => {
    const bind: Session['bind'] = (...args) => watch.timed('norms and activations', session.bind(...args));
    return [name, { bind, release: () => session.release() }] as const;
  });
  return Object.fromEntries(entries);
}

/** Tokens one after the other. */
function chain(model: Gpt2, parent: PathNode | null, count: number): PathNode[] {
  const nodes: PathNode[] = [];
  for (let i = 0; i < count; i++) nodes.push(child(model, nodes.at(-1) ?? parent, i));
  return nodes;
}

/** Tokens beside each other. */
function fan(model: Gpt2, parent: PathNode, count: number): PathNode[] {
  return Array.from({ length: count }, (_, i) => child(model, parent, i));
}

function child(model: Gpt2, parent: PathNode | null, i: number): PathNode {
  const position = parent ? parent.position + 1 : 0;
  return { token: someToken(i), position, parent, slot: model.pool.take() };
}
