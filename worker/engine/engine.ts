/**
 * @module The engine: one model in one heap, shared by all requests of an isolate.
 */
import type { LanguageModel } from '../../decoding/token-tree.ts';
import type { Manifest, ModelFile } from '../../model-assets/manifest.ts';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import { SlotsExhaustedError } from './errors.ts';
import { Gpt2 } from './gpt2.ts';
import type { HeapAccount } from './heap.ts';
import { attentionKernel } from './kernels/attention.ts';
import { loadNetwork, type Sessions } from './load-network.ts';
import { type ModelSource, readFile, readManifest, type Sha256 } from './model-source.ts';
import type { Network } from './network.ts';
import { createSessions, type Ort, releaseSessions } from './ort.ts';
import { PassQueue } from './pass-queue.ts';
import { makePlan, type Plan, type PlanWishes } from './plan.ts';
import { CachedTree } from './token-tree.ts';
import { Weights } from './weights.ts';

/** A tree that nobody has touched for so long gives way when another needs its room. */
const LEASE_MILLISECONDS = 60_000;

/** What the engine needs of the runtime it is in. */
export interface Platform {
  /** Gives other requests and the sockets their turn. */
  pause(): Promise<void>;
  sha256(): Sha256;
}

/** The kernels, compiled: `kernels/*.wasm`. */
export interface KernelModules {
  readonly attention: WebAssembly.Module;
  /** `linear-relaxed.wasm`, or `linear-plain.wasm` where there is no relaxed SIMD. */
  readonly linear: WebAssembly.Module;
}

/** What is not wished for is planned, by what the heap has room for. */
export interface EngineOptions extends PlanWishes {
  readonly kernels: KernelModules;
  readonly source: ModelSource;
  readonly platform: Platform;
  readonly signal?: AbortSignal;
}

export interface EngineStatus {
  readonly heap: HeapAccount;
  readonly slots: {
    /** That the cache has now, that are promised to requests, that are in use, that the heap's maximum allows. */
    readonly capacity: number;
    readonly reserved: number;
    readonly taken: number;
    readonly maximum: number;
  };
  readonly requests: number;
  readonly waitingRows: number;
}

export class Engine implements LanguageModel {
  readonly manifest: Manifest;
  readonly tokenizer: Tokenizer;
  readonly plan: Plan;
  readonly #ort: Ort;
  readonly #weights: Weights;
  readonly #model: Gpt2;
  readonly #queue: PassQueue;
  readonly #trees = new Set<CachedTree>();

  private constructor(
    ort: Ort,
    manifest: Manifest,
    tokenizer: Tokenizer,
    weights: Weights,
    model: Gpt2,
    plan: Plan,
    pause: () => Promise<void>,
  ) {
    this.#ort = ort;
    this.manifest = manifest;
    this.tokenizer = tokenizer;
    this.#weights = weights;
    this.#model = model;
    this.plan = plan;
    this.#queue = new PassQueue(model, pause);
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
      return new Engine(ort, manifest, tokenizer, weights, model, plan, platform.pause);
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

  /** @throws SlotsExhaustedError when the cache has no room for `nodes` nodes now */
  open(nodes: number): CachedTree {
    try {
      return this.#open(nodes);
    } catch (error) {
      const possible = error instanceof SlotsExhaustedError && error.requested <= error.maximum;
      if (!possible || !this.#expireIdleTrees()) throw error;
      return this.#open(nodes);
    }
  }

  get status(): EngineStatus {
    const { capacity, reserved, taken, maximum } = this.#model.pool;
    return {
      heap: this.#ort.heap.account,
      slots: { capacity, reserved, taken, maximum },
      requests: this.#trees.size,
      waitingRows: this.#queue.length,
    };
  }

  /** Gives everything back to the heap. */
  release(): void {
    for (const tree of this.#trees) tree.close();
    this.#model.release();
    this.#weights.release();
  }

  #open(nodes: number): CachedTree {
    const tree = new CachedTree(this.#model.pool, this.#queue, this, nodes, () => this.#trees.delete(tree));
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
