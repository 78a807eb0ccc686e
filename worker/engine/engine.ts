/**
 * @module The engine: one model in one heap, shared by all requests of an isolate.
 */
import type { LanguageModel, TokenTree } from '../../decoding/token-tree.ts';
import type { Manifest, ModelFile } from '../../model-assets/manifest.ts';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import { SlotsExhaustedError } from './errors.ts';
import { Gpt2, type Graphs } from './gpt2.ts';
import type { HeapAccount } from './heap.ts';
import { type ModelSource, readFile, readManifest, type Sha256 } from './model-source.ts';
import type { Ort, Session } from './ort.ts';
import { PassQueue } from './pass-queue.ts';
import { CachedTree } from './token-tree.ts';
import { Weights } from './weights.ts';

const DEFAULT_CHUNK = 64;
/** A tree that nobody has touched for so long gives way when another needs its room. */
const LEASE_MILLISECONDS = 60_000;

/** What the engine needs of the runtime it is in. */
export interface Platform {
  /** Gives other requests and the sockets their turn. */
  pause(): Promise<void>;
  sha256(): Sha256;
}

export interface EngineOptions {
  /** The attention kernel, `kernels/attention.wasm`. */
  readonly attention: WebAssembly.Module;
  readonly source: ModelSource;
  readonly platform: Platform;
  /** The most rows of one pass, and so the chunk in which a long prompt goes. */
  readonly maxRows?: number;
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
  readonly #ort: Ort;
  readonly #graphs: Graphs;
  readonly #weights: Weights;
  readonly #model: Gpt2;
  readonly #queue: PassQueue;
  readonly #trees = new Set<CachedTree>();

  private constructor(
    ort: Ort,
    manifest: Manifest,
    tokenizer: Tokenizer,
    graphs: Graphs,
    weights: Weights,
    options: EngineOptions,
  ) {
    this.#ort = ort;
    this.manifest = manifest;
    this.tokenizer = tokenizer;
    this.#graphs = graphs;
    this.#weights = weights;
    this.#model = new Gpt2(
      ort,
      options.attention,
      manifest.config,
      graphs,
      weights,
      options.maxRows ?? DEFAULT_CHUNK,
    );
    this.#queue = new PassQueue(this.#model, options.platform.pause);
  }

  /**
   * Reads a model into the heap of `ort`.
   * @throws ModelFilesError, HeapExhaustedError, OrtError; nothing is held after any of them
   */
  static async load(ort: Ort, options: EngineOptions): Promise<Engine> {
    const { source, platform, signal = new AbortController().signal } = options;
    const manifest = await readManifest(source);
    const read = (file: ModelFile) => readFile(source, file, platform.sha256);
    const [tokenizer, embed, qkv, block, head] = await Promise.all([
      read(manifest.tokenizer),
      read(manifest.graphs.embed),
      read(manifest.graphs.qkv),
      read(manifest.graphs.block),
      read(manifest.graphs.head),
    ]);
    const weights = await Weights.load(ort, manifest, source, platform.sha256, signal);
    const sessions: Session[] = [];
    const session = (graph: Uint8Array) => {
      const created = ort.createSession(graph);
      sessions.push(created);
      return created;
    };
    try {
      const graphs = {
        embed: session(embed),
        qkv: session(qkv),
        block: session(block),
        head: session(head),
      };
      return new Engine(ort, manifest, Tokenizer.read(tokenizer), graphs, weights, options);
    } catch (error) {
      for (const created of sessions) created.release();
      weights.release();
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
  open(nodes: number): TokenTree {
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
    for (const session of Object.values(this.#graphs)) session.release();
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
