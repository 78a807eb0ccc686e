/**
 * @module GPT-2's forward pass: `embed → block × n_layer → head`, over rows of any number of trees.
 */
import type { ModelConfig } from '../../model-assets/manifest.ts';
import { KeyValuePool } from './kv-pool.ts';
import type { Bindings, Ort, Session, Tensor } from './ort.ts';
import { Scratch } from './scratch.ts';
import type { Weights } from './weights.ts';

/** Rows that one run of the head reads out: logits are the widest rows there are. */
const LOGIT_ROWS = 8;

/** One token in a pass. */
export interface Row {
  readonly token: number;
  readonly position: number;
  /** Where its key and value go. */
  readonly slot: number;
  /** The slots it attends to: those of the tokens before it on its path, and its own. */
  readonly path: Iterable<number>;
  /** Receives the row's logits, `vocab_size` of them. */
  readonly logits?: Float32Array | undefined;
}

export interface Graphs {
  readonly embed: Session;
  readonly block: Session;
  readonly head: Session;
}

export class Gpt2 {
  readonly config: ModelConfig;
  readonly pool: KeyValuePool;
  /** The most rows of one pass: a longer prompt goes in chunks of so many tokens. */
  readonly maxRows: number;
  readonly #ort: Ort;
  readonly #graphs: Graphs;
  readonly #weights: Weights;
  readonly #layers: readonly Bindings[];

  /** @throws HeapExhaustedError when a pass of `maxRows` rows and a first cache do not fit */
  constructor(ort: Ort, config: ModelConfig, graphs: Graphs, weights: Weights, maxRows: number) {
    this.#ort = ort;
    this.config = config;
    this.maxRows = maxRows;
    this.#graphs = graphs;
    this.#weights = weights;
    this.#layers = Array.from({ length: config.n_layer }, (_, layer) => weights.ofLayer(layer));
    ort.heap.reserve(fixedPassBytes(config, maxRows), 'activations');
    try {
      this.pool = new KeyValuePool(ort, config, passBytesPerColumn(config, maxRows));
    } catch (error) {
      ort.heap.reserve(-fixedPassBytes(config, maxRows), 'activations');
      throw error;
    }
  }

  /**
   * Computes the rows: their keys and values enter the pool, and those that ask for logits get them. A row may
   * attend to rows of the same pass.
   * @param rows 1 to `maxRows`, each in a slot of its own
   */
  forward(rows: readonly Row[]): void {
    const { n_embd } = this.config;
    const scratch = new Scratch(this.#ort);
    try {
      let hidden = scratch.tensor('float32', [rows.length, n_embd]);
      let next = scratch.tensor('float32', [rows.length, n_embd]);
      this.#embed(rows, hidden, scratch);
      const mask = this.#mask(rows, scratch);
      const slot_indices = this.#slotIndices(rows, scratch);
      for (const [layer, weights] of this.#layers.entries()) {
        const { key, value } = this.pool.tensors(layer);
        this.#graphs.block.run(
          { hidden, mask, slot_indices, past_key: key, past_value: value, ...weights },
          { hidden_out: next, present_key: key, present_value: value },
        );
        [hidden, next] = [next, hidden];
      }
      this.#readOut(rows, hidden, scratch);
    } finally {
      scratch.release();
    }
  }

  release(): void {
    this.pool.release();
    this.#ort.heap.reserve(-fixedPassBytes(this.config, this.maxRows), 'activations');
  }

  #embed(rows: readonly Row[], hidden: Tensor, scratch: Scratch): void {
    const input_ids = scratch.int64s(rows.map((row) => row.token));
    const position_ids = scratch.int64s(rows.map((row) => row.position));
    this.#graphs.embed.run({ input_ids, position_ids, ...this.#weights.embeddings }, { hidden });
  }

  /** `[rows, capacity]`: 0 on a row's path, -inf elsewhere */
  #mask(rows: readonly Row[], scratch: Scratch): Tensor {
    const { capacity } = this.pool;
    const mask = scratch.tensor('float32', [rows.length, capacity]);
    const values = this.#ort.heap.floats(mask.pointer, rows.length * capacity);
    values.fill(Number.NEGATIVE_INFINITY);
    rows.forEach((row, i) => {
      for (const slot of row.path) values[i * capacity + slot] = 0;
    });
    return mask;
  }

  /** `[n_head, rows, 2]`: pairs (head, slot), where each head of each row goes in the pool */
  #slotIndices(rows: readonly Row[], scratch: Scratch): Tensor {
    const { n_head } = this.config;
    const indices = scratch.tensor('int64', [n_head, rows.length, 2]);
    const values = this.#ort.heap.int64s(indices.pointer, n_head * rows.length * 2);
    let i = 0;
    for (let head = 0; head < n_head; head++) {
      for (const { slot } of rows) {
        values[i++] = BigInt(head);
        values[i++] = BigInt(slot);
      }
    }
    return indices;
  }

  #readOut(rows: readonly Row[], hidden: Tensor, scratch: Scratch): void {
    const asking = rows.flatMap(({ logits }, index) => (logits ? [{ logits, index }] : []));
    const { vocab_size } = this.config;
    for (let begin = 0; begin < asking.length; begin += LOGIT_ROWS) {
      const some = asking.slice(begin, begin + LOGIT_ROWS);
      const selected = scratch.int64s(some.map(({ index }) => index));
      const logits = scratch.tensor('float32', [some.length, vocab_size]);
      this.#graphs.head.run({ hidden, selected, ...this.#weights.readOut }, { logits });
      some.forEach((row, i) => {
        row.logits.set(this.#ort.heap.floats(logits.pointer + i * vocab_size * 4, vocab_size));
      });
    }
  }
}

/**
 * What a pass of `rows` rows takes at its peak, its own tensors and onnxruntime's, besides what grows with the
 * pool. `test/unit/engine-memory.test.ts` holds the heap's real size against these two figures.
 */
function fixedPassBytes(config: ModelConfig, rows: number): number {
  const { n_embd, n_head, n_inner, vocab_size } = config;
  const indices = rows * 8 * (3 + 2 * n_head);
  const wide = Math.max(3 * n_embd, n_inner);
  // Per row: hidden in and out, the residual, a normalized row, and around a linear layer its input and output
  // with the input's absolute, scaled and quantized forms.
  const block = rows * 4 * (4 * n_embd + 3 * wide);
  const logits = LOGIT_ROWS * 4 * (2 * vocab_size + 3 * n_embd);
  return indices + Math.max(block, rows * 8 * n_embd + logits);
}

/** A column of the mask, and of the scores that a head of a row has for it, twice while the mask is added. */
function passBytesPerColumn(config: ModelConfig, rows: number): number {
  return rows * 4 * (1 + 2 * config.n_head);
}
