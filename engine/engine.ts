/**
 * @module The engine: one model in one heap, shared by all requests of an isolate.
 */
import type { LanguageModel } from '../decoding/interface/token-tree.ts';
import type { Manifest } from '../model-assets/format/manifest.ts';
import { AdmissionQueue } from './batching/admission.ts';
import { CachedTree, type SharedCache, type TreeOptions } from './batching/cached-tree.ts';
import { MemoryBudget } from './batching/memory-budget.ts';
import { type EventLoop, type PassCounts, PassQueue } from './batching/pass-queue.ts';
import { CapacityError, SlotsExhaustedError } from './cache/errors.ts';
import { RadixTree } from './cache/radix-tree.ts';
import type { DotProduct } from './kernels/linear.ts';
import type { Adapters, AdaptersStatus } from './model/adapters.ts';
import type { Gpt2 } from './model/gpt2.ts';
import { type KernelModules, type LoadedModel, loadModel } from './model/load-model.ts';
import { type ModelSource, readFile, readManifest, type Sha256 } from './model/model-source.ts';
import type { Plan, PlanOptions } from './model/plan.ts';
import type { Weights } from './model/weights.ts';
import { EngineBrokenError } from './runtime/errors.ts';
import type { HeapAccount } from './runtime/heap.ts';
import type { Ort } from './runtime/ort.ts';

/** The engine closes a tree that has been idle for this long when another request needs its space. */
const LEASE_MILLISECONDS = 20_000;

/** The services that the engine needs from its JavaScript runtime. */
export interface Platform extends EventLoop {
  wait(milliseconds: number): Promise<void>;
  sha256(): Sha256;
}

export type { KernelModules };

/** Options that are left out follow from the heap's size (`makePlan`). */
export interface EngineOptions extends PlanOptions {
  readonly kernels: KernelModules;
  readonly source: ModelSource;
  readonly platform: Platform;
  readonly signal?: AbortSignal;
}

/** What a tree uses beside its nodes. */
export interface EngineTreeOptions extends Omit<TreeOptions, 'adapter'> {
  /** The name of a LoRA adapter of the manifest, which changes the model for this tree. */
  readonly adapter?: string | undefined;
}

export interface EngineStatus {
  readonly heap: HeapAccount;
  readonly slots: {
    /** Slots that the cache has now, and that the heap's maximum allows. */
    readonly capacity: number;
    readonly maximum: number;
    /** Slots reserved by requests, and the part of them in use. */
    readonly reserved: number;
    readonly taken: number;
    /** Slots that only the prefix cache uses; any request can evict them. */
    readonly cached: number;
  };
  readonly adapters: AdaptersStatus;
  /** JavaScript memory of requests, in bytes. */
  readonly javaScript: {
    /** The most that all requests may hold together. */
    readonly maximum: number;
    readonly reserved: number;
  };
  /** Generations that hold cache space. */
  readonly requests: number;
  /** Requests that wait for cache space or memory. */
  readonly waitingRequests: number;
  readonly waitingRows: number;
}

export class Engine implements LanguageModel {
  readonly manifest: Manifest;
  /** The bytes of the model's tokenizer file, verified. The engine itself deals in token ids alone. */
  readonly tokenizerFile: Uint8Array;
  readonly plan: Plan;
  /** How the kernels multiply on this processor. Null at f32, which uses none of them. */
  readonly dotProduct: DotProduct | null;
  readonly #readAhead: LoadedModel['readAhead'];
  readonly #ort: Ort;
  readonly #weights: Weights;
  readonly #adapters: Adapters;
  readonly #model: Gpt2;
  readonly #sharedCache: SharedCache;
  readonly #trees = new Set<CachedTree>();
  /** JavaScript memory for what requests hold: the caller reserves it. */
  readonly memory: MemoryBudget;
  /** Queue for requests that wait for cache space or memory. */
  readonly admission: AdmissionQueue;

  private constructor(
    ort: Ort,
    manifest: Manifest,
    tokenizerFile: Uint8Array,
    { weights, adapters, model, plan, dotProduct, readAhead }: LoadedModel,
    source: ModelSource,
    platform: Platform,
  ) {
    this.#ort = ort;
    this.manifest = manifest;
    this.tokenizerFile = tokenizerFile;
    this.#weights = weights;
    this.#adapters = adapters;
    this.#model = model;
    this.plan = plan;
    this.dotProduct = dotProduct;
    this.#readAhead = readAhead;
    const { vocab_size, n_positions } = manifest.config;
    this.#sharedCache = {
      pool: model.pool,
      radixTree: new RadixTree(model.pool, vocab_size),
      queue: new PassQueue(model, platform, readAhead, dotProduct?.startsWith('dot-')),
      vocabSize: vocab_size,
      contextLength: n_positions,
      loadAdapter: (adapter) => adapters.load(adapter, { source, ...platform }),
    };
    this.memory = new MemoryBudget(plan.bytes.requests);
    this.admission = new AdmissionQueue(platform.wait);
  }

  /**
   * Reads a model into the heap of `ort`.
   * @throws ModelFilesError, ModelTooLargeError, HeapExhaustedError, OrtError; nothing is held after any of them
   */
  static async load(ort: Ort, options: EngineOptions): Promise<Engine> {
    const { source, platform, signal = new AbortController().signal } = options;
    const { sha256 } = platform;
    const manifest = await readManifest(source);
    const tokenizerFile = await readFile(source, manifest.tokenizer, sha256);
    const loaded = await loadModel(ort, manifest, { ...options, sha256, signal });
    return new Engine(ort, manifest, tokenizerFile, loaded, source, platform);
  }

  /** Whether the kernels read weights ahead. Undefined until passes of both forms have been timed. */
  get readAhead(): boolean | undefined {
    return this.#readAhead ? this.#readAhead.value : false;
  }

  get vocabSize(): number {
    return this.manifest.config.vocab_size;
  }

  get contextLength(): number {
    return this.manifest.config.n_positions;
  }

  /** By the plan: what requests hold at the moment does not change it. */
  get maxNodes(): number {
    return this.plan.slots;
  }

  get eosTokenIds(): readonly number[] {
    return this.manifest.config.eos_token_ids;
  }

  /** @throws SlotsExhaustedError when the cache never has room for this many nodes */
  check(nodes: number): void {
    const { maximum, reserved } = this.#sharedCache.pool;
    if (nodes > maximum) throw new SlotsExhaustedError(nodes, maximum - reserved, maximum);
  }

  /**
   * @param nodes that the tree may hold at one time
   * @throws SlotsExhaustedError when the cache has no room for them now, or never has; AdaptersExhaustedError likewise;
   *   UnknownAdapterError; EngineBrokenError
   */
  open(nodes: number, options: EngineTreeOptions = {}): CachedTree {
    // Another engine may use the memory by now.
    if (this.broken) throw new EngineBrokenError('the engine is broken');
    this.check(nodes);
    try {
      return this.#open(nodes, options);
    } catch (error) {
      if (!(error instanceof CapacityError) || !this.#expireIdleTrees()) throw error;
      return this.#open(nodes, options);
    }
  }

  /** The model that one of its adapters makes of this one. */
  withAdapter(adapter: string): LanguageModel {
    const { vocabSize, contextLength, maxNodes, eosTokenIds } = this;
    return {
      vocabSize,
      contextLength,
      maxNodes,
      eosTokenIds,
      open: (nodes) => this.open(nodes, { adapter }),
    };
  }

  /** Announces a request before it opens a tree: a request that computes gives it its turns from now on. */
  noticeArrival(): void {
    this.#sharedCache.queue.noticeArrival();
  }

  get status(): EngineStatus {
    const { pool, radixTree, queue } = this.#sharedCache;
    const { capacity, maximum, reserved, freeSlots } = pool;
    const cached = radixTree.evictable;
    return {
      heap: this.#ort.heap.account,
      slots: { capacity, maximum, reserved, taken: capacity - freeSlots - cached, cached },
      adapters: this.#adapters.status,
      javaScript: { maximum: this.memory.maximum, reserved: this.memory.reserved },
      requests: this.#trees.size,
      waitingRequests: this.admission.length,
      waitingRows: queue.length,
    };
  }

  /** Counted since the engine was loaded. */
  get passCounts(): PassCounts {
    return this.#sharedCache.queue.counts;
  }

  /** Whether a forward pass was cut off: the heap cannot be trusted, and the model must be loaded anew. */
  get broken(): boolean {
    return this.#sharedCache.queue.broken;
  }

  /**
   * Evicts the prefix cache, or some of its partitions: all nodes that no request holds.
   * @returns the number of evicted tokens
   */
  resetPrefixCache(isReset: (partition: string) => boolean = () => true): number {
    return this.#sharedCache.radixTree.evict(isReset);
  }

  /** Frees all of the engine's memory in the heap. */
  release(): void {
    for (const tree of this.#trees) tree.close();
    this.#model.release();
    this.#weights.release();
    this.#adapters.free();
    this.#ort.heap.reserve(-this.plan.bytes.requests, 'requests');
  }

  #open(nodes: number, { adapter: name, ...options }: EngineTreeOptions): CachedTree {
    const adapter = name === undefined ? undefined : this.#adapters.retain(name);
    const release = () => adapter && this.#adapters.release(adapter);
    try {
      const tree = new CachedTree(this.#sharedCache, nodes, { ...options, adapter }, (closed) => {
        this.#trees.delete(closed);
        release();
      });
      this.#trees.add(tree);
      return tree;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** A request that the platform has killed runs no `finally`; this frees what it held. */
  #expireIdleTrees(): boolean {
    const since = Date.now() - LEASE_MILLISECONDS;
    const idle = [...this.#trees].filter((tree) => tree.lastUsed < since);
    for (const tree of idle) tree.expire();
    return idle.length > 0;
  }
}
