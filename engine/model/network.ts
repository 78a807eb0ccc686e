/**
 * @module What computes a model's rows, all but attention. There are two: `graph-network.ts` wholly in onnxruntime, and
 * `product-network.ts`, where our product of 4-bit weights stands between onnxruntime's parts.
 */
import type { PathNode } from '../cache/radix-tree.ts';
import type { Ort } from '../runtime/ort.ts';
import { ScopedAllocations } from '../runtime/scoped-allocations.ts';

export interface Row {
  readonly node: PathNode;
  /** Receives the row's logits, `vocab_size` of them. */
  readonly logits?: Float32Array | undefined;
}

/** Which of a pass's rows is read out, and where to. */
export interface LogitsRow {
  readonly index: number;
  readonly logits: Float32Array;
}

export interface Network {
  /** For a forward pass of so many rows; one at a time, for the next one takes the same memory. */
  pass(rows: number): NetworkPass;
  release(): void;
}

/** The rows of one forward pass on their way through the layers. All addresses are bytes in the heap. */
export interface NetworkPass {
  /** `[rows, 3 · n_embd]` f32: what attention takes of each row. */
  readonly qkv: number;
  /** `[rows, n_embd]` f32: what attention gives. */
  readonly context: number;
  /** The rows' tokens at their positions: `wte + wpe`. */
  embed(rows: readonly Row[]): void;
  /** `ln_1` and `attn.c_attn` of a layer. */
  project(layer: number): void;
  /** `attn.c_proj`, `ln_2` and `mlp` of a layer, with what they are added to. */
  block(layer: number): void;
  /** `ln_f` and the tied `wte`, for at most {@link LM_HEAD_ROWS} rows. */
  lmHead(some: readonly LogitsRow[]): void;
}

/** Rows that are read out at a time: logits are the widest rows there are. */
export const LM_HEAD_ROWS = 8;
/** Passes of so many different numbers of rows are kept. */
const KEPT = 4;
/**
 * What onnxruntime keeps and takes in small pieces: names, handles of tensors, the state of a run; and what the kept
 * passes take for the arguments of their runs.
 */
export const SMALL_PIECES_BYTES = 192 * 1024;

/** What is laid out for a number of rows is kept for the next passes of as many. */
export class PassCache {
  readonly #ort: Ort;
  readonly #create: (rows: number, kept: ScopedAllocations) => NetworkPass;
  readonly #passes = new Map<number, { readonly pass: NetworkPass; readonly kept: ScopedAllocations }>();

  /** @param create a pass that holds what is in `kept` */
  constructor(ort: Ort, create: (rows: number, kept: ScopedAllocations) => NetworkPass) {
    this.#ort = ort;
    this.#create = create;
  }

  of(rows: number): NetworkPass {
    const laidOut = this.#passes.get(rows) ?? this.#layOut(rows);
    // The one last used is the last in order.
    this.#passes.delete(rows);
    this.#passes.set(rows, laidOut);
    const [oldest] = this.#passes;
    if (oldest && this.#passes.size > KEPT) {
      oldest[1].kept.release();
      this.#passes.delete(oldest[0]);
    }
    return laidOut.pass;
  }

  release(): void {
    for (const { kept } of this.#passes.values()) kept.release();
    this.#passes.clear();
  }

  /** Holds nothing when it fails half way. */
  #layOut(rows: number): { readonly pass: NetworkPass; readonly kept: ScopedAllocations } {
    const kept = new ScopedAllocations(this.#ort);
    try {
      return { pass: this.#create(rows, kept), kept };
    } catch (error) {
      kept.release();
      throw error;
    }
  }
}
