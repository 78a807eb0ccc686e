/**
 * @module The model without attention. Three implementations: `onnx-network.ts` runs wholly in onnxruntime,
 * `onnx-adapter-network.ts` too but for adapters; `kernel-network.ts` runs our kernels for 4-bit and 8-bit weights beside
 * graphs.
 */
import type { Gather, LogitsReader } from '../../decoding/interface/logits-row.ts';
import type { AdapterContent } from '../../model-assets/format/adapter.ts';
import type { PathNode } from '../cache/radix-tree.ts';
import type { ActivationBuffers } from '../runtime/activation-buffers.ts';
import type { Ort } from '../runtime/ort.ts';
import { ScopedAllocations } from '../runtime/scoped-allocations.ts';
import { releaseSessions, type Session } from '../runtime/session.ts';

/** A LoRA adapter in the heap. */
export interface HeapAdapter {
  /** Of its file's first byte. It may change between two passes. */
  readonly address: number;
  readonly content: AdapterContent;
}

/** A token to compute in a forward pass. */
export interface Row {
  readonly node: PathNode;
  /** Read the row's logits. Without readers and `gathers` they are not computed. */
  readonly readers: readonly LogitsReader[];
  /** The only tokens whose logits are read, ascending. Default: all. */
  readonly only?: Uint32Array | undefined;
  /** Read some of the row's logits. */
  readonly gathers?: readonly Gather[];
  /** Changes the linear layers for this row. */
  readonly adapter?: HeapAdapter | undefined;
}

/** A row of the pass, by its index, of which some logits are read. */
export interface GatheredRow {
  readonly index: number;
  readonly gather: Gather;
}

/** A row of the pass, by its index, whose logits are computed. */
export interface LogitsRow {
  readonly index: number;
  readonly readers: readonly LogitsReader[];
  readonly only?: Uint32Array | undefined;
}

export interface Network {
  /** Prepares a forward pass. All passes share the same buffers, so only one runs at a time. */
  pass(rowCount: number): NetworkPass;
  release(): void;
}

/** One forward pass. All addresses are bytes in the heap. */
export interface NetworkPass {
  /** `[rows, 3 · n_embd]` f32: the input of attention. */
  readonly qkv: number;
  /** `[rows, n_embd]` f32: the output of attention. */
  readonly context: number;
  /** `hidden = wte[token] + wpe[position]`; and notes the rows' adapters for the linear layers. */
  embed(rows: readonly Row[]): void;
  /** `qkv = c_attn(ln_1(hidden))` */
  projectQkv(layer: number): void;
  /**
   * The rest of the block, after attention: `hidden += c_proj(context)`, then `hidden += mlp(ln_2(hidden))`.
   */
  finishBlock(layer: number): void;
  /** `logits = lm_head · ln_f(hidden)`, for at most {@link LM_HEAD_ROWS} rows, of all tokens or at least of `only`. The readers read them in place. */
  lmHead(rows: readonly LogitsRow[]): void;
  /** The same for any number of rows, without a row of logits for each. A network without it lends whole rows. */
  gather?(rows: readonly GatheredRow[]): void;
}

/** Rows per call of `lm_head`: logits are the widest rows of the model. */
export const LM_HEAD_ROWS = 8;
/** Row counts whose passes stay cached. */
const MAX_CACHED_PASSES = 4;
/**
 * Small allocations of onnxruntime (names, tensor handles, the state of a run), and the arguments of the runs
 * of cached passes.
 */
export const SMALL_ALLOCATIONS_BYTES = 192 * 1024;

interface CachedPass {
  readonly pass: NetworkPass;
  readonly allocations: ScopedAllocations;
}

/** Makes a pass of some rows, which owns what it adds to `allocations`. */
type CreatePass = (rowCount: number, allocations: ScopedAllocations) => NetworkPass;

/**
 * A network that keeps its passes.
 * @param parts released with the network
 */
export function networkOf(
  ort: Ort,
  {
    sessions,
    buffers,
  }: { readonly sessions: Readonly<Partial<Record<string, Session>>>; readonly buffers: ActivationBuffers },
  createPass: CreatePass,
): Network {
  const passes = new PassCache(ort, createPass);
  return {
    pass: (rowCount) => passes.get(rowCount),
    release() {
      passes.release();
      buffers.release();
      releaseSessions(sessions);
    },
  };
}

/** LRU cache of prepared passes, by their number of rows. */
class PassCache {
  readonly #ort: Ort;
  readonly #create: CreatePass;
  /** Least recently used first. */
  readonly #passes = new Map<number, CachedPass>();

  constructor(ort: Ort, create: CreatePass) {
    this.#ort = ort;
    this.#create = create;
  }

  get(rowCount: number): NetworkPass {
    const cached = this.#passes.get(rowCount) ?? this.#createPass(rowCount);
    this.#passes.delete(rowCount);
    this.#passes.set(rowCount, cached);
    const [oldest] = this.#passes;
    if (oldest && this.#passes.size > MAX_CACHED_PASSES) {
      oldest[1].allocations.release();
      this.#passes.delete(oldest[0]);
    }
    return cached.pass;
  }

  release(): void {
    for (const { allocations } of this.#passes.values()) allocations.release();
    this.#passes.clear();
  }

  #createPass(rowCount: number): CachedPass {
    const allocations = new ScopedAllocations(this.#ort);
    try {
      return { pass: this.#create(rowCount, allocations), allocations };
    } catch (error) {
      allocations.release();
      throw error;
    }
  }
}
