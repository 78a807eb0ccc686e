/**
 * @module The engine: one model in one heap, shared by all requests of an isolate.
 */
import type { LanguageModel } from '../decoding/interface/token-tree.ts';
import type { Manifest, ModelFile } from '../model-assets/format/manifest.ts';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import { AdmissionQueue } from './batching/admission.ts';
import { CachedTree, type SharedCache, type TreeOptions } from './batching/cached-tree.ts';
import type { PassCounts } from './batching/pass-counts.ts';
import { PassQueue } from './batching/pass-queue.ts';
import { SlotsExhaustedError } from './cache/errors.ts';
import { RadixTree } from './cache/radix-tree.ts';
import { attentionKernel } from './kernels/attention.ts';
import { Gpt2 } from './model/gpt2.ts';
import { loadNetwork, type Sessions } from './model/load-model.ts';
import { type ModelSource, readFile, readManifest, type Sha256 } from './model/model-source.ts';
import type { Network } from './model/network.ts';
import { makePlan, type Plan, type PlanOptions } from './model/plan.ts';
import { Weights } from './model/weights.ts';
import { EngineBrokenError } from './runtime/errors.ts';
import type { HeapAccount } from './runtime/heap.ts';
import type { Ort } from './runtime/ort.ts';
import { createSessions, releaseSessions } from './runtime/session.ts';

/** A tree that nobody has touched for so long gives way when another needs its room; whoever waits for it waits longer. */
const LEASE_MILLISECONDS = 20_000;

/** What the engine needs of the runtime it is in. */
export interface Platform {
  /** Gives other requests and the sockets their turn. */
  pause(): Promise<void>;
  wait(milliseconds: number): Promise<void>;
  sha256(): Sha256;
}

/** The kernels, compiled: `kernels/*.wasm`. */
export interface KernelModules {
  readonly attention: WebAssembly.Module;
  /** `linear-relaxed.wasm`, or `linear-plain.wasm` where there is no relaxed SIMD. */
  readonly linear: WebAssembly.Module;
}

/** What is not wished for is planned, by what the heap has room for. */
export interface EngineOptions extends PlanOptions {
  readonly kernels: KernelModules;
  readonly source: ModelSource;
  readonly platform: Platform;
  readonly signal?: AbortSignal;
}

export interface EngineStatus {
  readonly heap: HeapAccount;
  readonly slots: {
    /** That the cache has now, and that the heap's maximum allows. */
    readonly capacity: number;
    readonly maximum: number;
    /** That are promised to requests, and of these what they hold. */
    readonly reserved: number;
    readonly taken: number;
    /** Those with what nobody holds, kept for who begins with it. They are free for anyone. */
    readonly cached: number;
  };
  /** Generations that hold a part of the cache. */
  readonly requests: number;
  /** Requests that wait for room in it. */
  readonly waitingRequests: number;
  readonly waitingRows: number;
}

export class Engine implements LanguageModel {
  readonly manifest: Manifest;
  readonly tokenizer: Tokenizer;
  readonly plan: Plan;
  readonly #ort: Ort;
  readonly #weights: Weights;
  readonly #model: Gpt2;
  readonly #sharedCache: SharedCache;
  readonly #trees = new Set<CachedTree>();
  /** Where who needs more of the cache than there is waits for it. */
  readonly admission: AdmissionQueue;

  private constructor(
    ort: Ort,
    manifest: Manifest,
    tokenizer: Tokenizer,
    weights: Weights,
    model: Gpt2,
    plan: Plan,
    platform: Platform,
  ) {
    this.#ort = ort;
    this.manifest = manifest;
    this.tokenizer = tokenizer;
    this.#weights = weights;
    this.#model = model;
    this.plan = plan;
    const { vocab_size, n_positions } = manifest.config;
    this.#sharedCache = {
      pool: model.pool,
      nodes: new RadixTree(model.pool, vocab_size),
      queue: new PassQueue(model, platform.pause),
      vocabSize: vocab_size,
      contextLength: n_positions,
    };
    this.admission = new AdmissionQueue(platform.wait);
  }

  /**
   * Reads a model into the heap of `ort`.
   * @throws ModelFilesError, ModelTooLargeError, HeapExhaustedError, OrtError; nothing is held after any of them
   */
  static async load(ort: Ort, options: EngineOptions): Promise<Engine> {
    const { source, platform, kernels, signal = new AbortController().signal } = options;
    const manifest = await readManifest(source);
    const read = (file: ModelFile) => readFile(source, file, platform.sha256);
    const tokenizer = Tokenizer.read(await read(manifest.tokenizer));
    const sessions = createSessions(ort, await readGraphs(manifest.graphs, read));
    let weights: Weights | undefined;
    let network: Network | undefined;
    try {
      const plan = makePlan(ort.heap.account, manifest, options);
      weights = await Weights.load(ort, manifest, source, platform.sha256, signal);
      network = loadNetwork(ort, manifest, sessions as Sessions, weights, kernels.linear, plan.maxRows);
      const attention = attentionKernel(kernels.attention, ort.heap.memory);
      const model = new Gpt2(ort, attention, manifest.config, network, plan);
      return new Engine(ort, manifest, tokenizer, weights, model, plan, platform);
    } catch (error) {
      if (network) network.release();
      else releaseSessions(sessions);
      weights?.release();
      throw error;
    }
  }

  get vocabSize(): number {
    return this.manifest.config.vocab_size;
  }

  get contextLength(): number {
    return this.manifest.config.n_positions;
  }

  get eosTokenIds(): readonly number[] {
    return this.manifest.config.eos_token_ids;
  }

  /**
   * @param nodes that the tree may hold at one time
   * @throws SlotsExhaustedError when the cache has no room for them now, or never has; EngineBrokenError
   */
  open(nodes: number, options: TreeOptions = {}): CachedTree {
    // Its memory may be another engine's by now: nothing may be taken of it.
    if (this.broken) throw new EngineBrokenError('the engine is broken');
    const { maximum, reserved } = this.#sharedCache.pool;
    if (nodes > maximum) throw new SlotsExhaustedError(nodes, maximum - reserved, maximum);
    try {
      return this.#open(nodes, options);
    } catch (error) {
      if (!(error instanceof SlotsExhaustedError) || !this.#expireIdleTrees()) throw error;
      return this.#open(nodes, options);
    }
  }

  get status(): EngineStatus {
    const { pool, nodes, queue } = this.#sharedCache;
    const { capacity, maximum, reserved, free } = pool;
    const cached = nodes.evictable;
    return {
      heap: this.#ort.heap.account,
      slots: { capacity, maximum, reserved, taken: capacity - free - cached, cached },
      requests: this.#trees.size,
      waitingRequests: this.admission.length,
      waitingRows: queue.length,
    };
  }

  /** Since the engine was loaded. */
  get passCounts(): PassCounts {
    return this.#sharedCache.queue.counts;
  }

  /** Whether a pass has been cut off, so that what is in the heap is not to be trusted: another engine has to be loaded. */
  get broken(): boolean {
    return this.#sharedCache.queue.broken;
  }

  /**
   * Forgets what no request holds.
   * @returns how many tokens that were
   */
  resetPrefixCache(): number {
    const { evictable } = this.#sharedCache.nodes;
    this.#sharedCache.nodes.evictAll();
    return evictable;
  }

  /** Gives everything back to the heap. */
  release(): void {
    for (const tree of this.#trees) tree.close();
    this.#model.release();
    this.#weights.release();
  }

  #open(nodes: number, options: TreeOptions): CachedTree {
    const tree = new CachedTree(this.#sharedCache, nodes, options, (closed) => this.#trees.delete(closed));
    this.#trees.add(tree);
    return tree;
  }

  /** A request that the platform has ended runs no `finally`: what it held comes back here. */
  #expireIdleTrees(): boolean {
    const since = Date.now() - LEASE_MILLISECONDS;
    const idle = [...this.#trees].filter((tree) => tree.touched < since);
    for (const tree of idle) tree.expire();
    return idle.length > 0;
  }
}

async function readGraphs(
  files: Manifest['graphs'],
  read: (file: ModelFile) => Promise<Uint8Array>,
): Promise<Record<string, Uint8Array>> {
  const entries = Object.entries(files).map(async ([name, file]) => [name, await read(file)] as const);
  return Object.fromEntries(await Promise.all(entries));
}
