/**
 * @module GPT-2's forward pass: `embed → (qkv → attention → block) × n_layer → head`, over rows of any number of trees.
 */
import { type ModelConfig, storedVocabSize } from '../../model-assets/manifest.ts';
import { type AttentionKernel, attentionKernel } from './kernels/attention.ts';
import { KeyValuePool } from './kv-pool.ts';
import type { Bindings, Ort, Session, Tensor } from './ort.ts';
import { Scratch } from './scratch.ts';
import type { Weights } from './weights.ts';

const FLOAT_BYTES = 4;
const WORD_BYTES = 4;
/** Rows that one run of the head reads out: logits are the widest rows there are. */
const LOGIT_ROWS = 8;

/** A token on its path, whose keys and values have a slot in the pool. */
export interface PathNode {
  readonly token: number;
  readonly position: number;
  readonly parent: PathNode | null;
  readonly slot: number;
}

export interface Row {
  readonly node: PathNode;
  /** Receives the row's logits, `vocab_size` of them. */
  readonly logits?: Float32Array | undefined;
}

export interface Graphs {
  readonly embed: Session;
  readonly qkv: Session;
  readonly block: Session;
  readonly head: Session;
}

export class Gpt2 {
  readonly config: ModelConfig;
  readonly pool: KeyValuePool;
  /** The most rows of one pass: a longer prompt goes in chunks of so many tokens. */
  readonly maxRows: number;
  readonly #ort: Ort;
  readonly #attention: AttentionKernel;
  readonly #graphs: Graphs;
  readonly #weights: Weights;
  readonly #layers: readonly { readonly qkv: Bindings; readonly block: Bindings }[];

  /** @throws HeapExhaustedError when a pass of `maxRows` rows does not fit */
  constructor(
    ort: Ort,
    attention: WebAssembly.Module,
    config: ModelConfig,
    graphs: Graphs,
    weights: Weights,
    maxRows: number,
  ) {
    this.#ort = ort;
    this.#attention = attentionKernel(attention, ort.heap.memory);
    this.config = config;
    this.maxRows = maxRows;
    this.#graphs = graphs;
    this.#weights = weights;
    this.#layers = Array.from({ length: config.n_layer }, (_, layer) => ({
      qkv: weights.ofLayer(layer, 'ln_1', 'attn.c_attn'),
      block: weights.ofLayer(layer, 'attn.c_proj', 'ln_2', 'mlp'),
    }));
    this.pool = new KeyValuePool(ort.heap, config);
    ort.heap.reserve(passBytes(config, maxRows), 'activations');
  }

  /**
   * Computes the rows: their keys and values enter the pool, and those that ask for logits get them. A row may
   * attend to rows of the same pass.
   * @param rows 1 to `maxRows`
   */
  forward(rows: readonly Row[]): void {
    const { n_embd, n_head, scale_attn_weights } = this.config;
    const headSize = n_embd / n_head;
    const scale = scale_attn_weights ? 1 / Math.sqrt(headSize) : 1;
    const scratch = new Scratch(this.#ort);
    try {
      let hidden = scratch.tensor('float32', [rows.length, n_embd]);
      let next = scratch.tensor('float32', [rows.length, n_embd]);
      const qkv = scratch.tensor('float32', [rows.length, 3 * n_embd]);
      const context = scratch.tensor('float32', [rows.length, n_embd]);
      const { paths, longest } = this.#paths(rows, scratch);
      const weights = scratch.bytes(4 * FLOAT_BYTES * Math.ceil(longest / 4));
      this.#embed(rows, hidden, scratch);
      for (const [index, layer] of this.#layers.entries()) {
        this.#graphs.qkv.run({ hidden, ...layer.qkv }, { qkv });
        this.#attention.attend(
          qkv.pointer,
          context.pointer,
          rows.length,
          paths,
          index * this.pool.layerOffset,
          this.pool.valueOffset,
          n_head,
          headSize,
          scale,
          weights,
        );
        this.#graphs.block.run({ hidden, context, ...layer.block }, { hidden_out: next });
        [hidden, next] = [next, hidden];
      }
      this.#readOut(rows, hidden);
    } finally {
      scratch.release();
    }
  }

  release(): void {
    this.pool.release();
    this.#ort.heap.reserve(-passBytes(this.config, this.maxRows), 'activations');
  }

  #embed(rows: readonly Row[], hidden: Tensor, scratch: Scratch): void {
    const input_ids = scratch.int64s(rows.map(({ node }) => node.token));
    const position_ids = scratch.int64s(rows.map(({ node }) => node.position));
    this.#graphs.embed.run({ input_ids, position_ids, ...this.#weights.embeddings }, { hidden });
  }

  /** The rows' paths as the attention kernel reads them; a row's list serves the rows above it too. */
  #paths(rows: readonly Row[], scratch: Scratch): { paths: number; longest: number } {
    const paths = scratch.bytes(2 * WORD_BYTES * rows.length);
    let longest = 0;
    let list = 0;
    let above: PathNode | null = null;
    for (const [k, { node }] of rows.toReversed().entries()) {
      const length = node.position + 1;
      if (node !== above) {
        list = this.#path(node, scratch);
        longest = Math.max(longest, length);
      }
      const row = rows.length - 1 - k;
      this.#ort.heap.words(paths + 2 * WORD_BYTES * row, 2).set([list, length]);
      above = node.parent;
    }
    return { paths, longest };
  }

  /** The slots from the first token to `node`. */
  #path(node: PathNode, scratch: Scratch): number {
    const length = node.position + 1;
    const list = scratch.bytes(WORD_BYTES * length);
    const slots = this.#ort.heap.words(list, length);
    for (let at: PathNode | null = node; at; at = at.parent) slots[at.position] = at.slot;
    return list;
  }

  #readOut(rows: readonly Row[], hidden: Tensor): void {
    const asking = rows.flatMap(({ logits }, index) => (logits ? [{ logits, index }] : []));
    for (let begin = 0; begin < asking.length; begin += LOGIT_ROWS) {
      const scratch = new Scratch(this.#ort);
      try {
        this.#readOutSome(asking.slice(begin, begin + LOGIT_ROWS), hidden, scratch);
      } finally {
        scratch.release();
      }
    }
  }

  #readOutSome(some: readonly { logits: Float32Array; index: number }[], hidden: Tensor, scratch: Scratch) {
    const { vocab_size } = this.config;
    const columns = storedVocabSize(this.config);
    const selected = scratch.int64s(some.map(({ index }) => index));
    const logits = scratch.tensor('float32', [some.length, columns]);
    this.#graphs.head.run({ hidden, selected, ...this.#weights.readOut }, { logits });
    some.forEach((row, i) => {
      row.logits.set(this.#ort.heap.floats(logits.pointer + i * columns * FLOAT_BYTES, vocab_size));
    });
  }
}

/** What onnxruntime keeps and takes in small pieces: names, handles of tensors, the state of a run. */
const SMALL_PIECES_BYTES = 128 * 1024;

/**
 * What a pass of `rows` rows takes of the heap at its peak, by itself and inside onnxruntime.
 * `test/unit/engine-memory.test.ts` holds it against the heap's real size.
 */
function passBytes(config: ModelConfig, rows: number): number {
  const { n_embd, n_inner, n_positions } = config;
  const columns = storedVocabSize(config);
  const own = rows * (6 * n_embd + n_positions) + n_positions;
  // Around its widest linear layer: the residual and a normalized row, the input's absolute, scaled and quantized
  // forms, the product before and after its scale.
  const block = rows * (2 * n_embd + 4 * Math.max(3 * n_embd, n_inner));
  // The product before and after its scale, and one copy of the scales of its columns.
  const logits = Math.min(rows, LOGIT_ROWS) * (2 * columns + 4 * n_embd) + columns;
  return SMALL_PIECES_BYTES + FLOAT_BYTES * (own + Math.max(block, logits));
}
