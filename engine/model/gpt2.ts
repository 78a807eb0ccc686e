/**
 * @module GPT-2's forward pass over rows of any number of trees: `embed → (ln_1, c_attn → attention → block) × n_layer →
 * ln_f, wte`.
 */
import type { ModelConfig } from '../../model-assets/format/manifest.ts';
import { KeyValuePool } from '../cache/kv-pool.ts';
import { type AttentionKernel, attentionScratchBytes } from '../kernels/attention.ts';
import type { Ort } from '../runtime/ort.ts';
import { ScopedAllocations } from '../runtime/scoped-allocations.ts';
import { LM_HEAD_ROWS, type Network, type NetworkPass, type Row } from './network.ts';
import { pathBytes, writePaths } from './paths.ts';
import type { Plan } from './plan.ts';

export class Gpt2 {
  readonly config: ModelConfig;
  readonly pool: KeyValuePool;
  /** The most rows of one pass: a longer prompt goes in chunks of so many tokens. */
  readonly maxRows: number;
  readonly #ort: Ort;
  readonly #attend: AttentionKernel['attend'];
  readonly #network: Network;

  /**
   * @param network for passes of up to `plan.maxRows` rows; released with this
   * @throws HeapExhaustedError when the paths of a pass do not fit
   */
  constructor(
    ort: Ort,
    attention: AttentionKernel,
    config: ModelConfig,
    network: Network,
    { maxRows, cache }: Pick<Plan, 'maxRows' | 'cache'>,
  ) {
    this.#ort = ort;
    this.#attend = cache === 'int8' ? attention.attendInt8 : attention.attend;
    this.config = config;
    this.maxRows = maxRows;
    this.#network = network;
    this.pool = new KeyValuePool(ort.heap, config, cache);
    ort.heap.reserve(pathBytes(maxRows, config), 'activations');
  }

  /**
   * Computes the rows: their keys and values enter the pool, and those that ask for logits get them. A row may
   * attend to rows of the same pass.
   * @param rows 1 to `maxRows`
   */
  forward(rows: readonly Row[]): void {
    const scratch = new ScopedAllocations(this.#ort);
    try {
      const pass = this.#network.pass(rows.length);
      const { paths, longest } = writePaths(this.#ort.heap, rows, scratch);
      const weights = scratch.bytes(attentionScratchBytes(longest, this.#headSize));
      pass.embed(rows);
      const asking = rows.flatMap(({ logits }, index) => (logits ? [{ logits, index }] : []));
      const last = this.config.n_layer - 1;
      for (let layer = 0; layer <= last; layer++) {
        pass.project(layer);
        this.#attention(layer, pass, rows.length, paths, weights);
        // Of a chunk that nobody reads out, the last layer's keys and values are all that is needed.
        if (layer < last || asking.length > 0) pass.block(layer);
      }
      for (let begin = 0; begin < asking.length; begin += LM_HEAD_ROWS) {
        pass.lmHead(asking.slice(begin, begin + LM_HEAD_ROWS));
      }
    } finally {
      scratch.release();
    }
  }

  release(): void {
    this.pool.release();
    this.#network.release();
    this.#ort.heap.reserve(-pathBytes(this.maxRows, this.config), 'activations');
  }

  get #headSize(): number {
    return this.config.n_embd / this.config.n_head;
  }

  #attention(layer: number, pass: NetworkPass, rows: number, paths: number, scratch: number): void {
    const { n_head, scale_attn_weights } = this.config;
    this.#attend(
      pass.qkv,
      pass.context,
      rows,
      paths,
      layer * this.pool.layerOffset,
      this.pool.valueOffset,
      n_head,
      this.#headSize,
      scale_attn_weights ? 1 / Math.sqrt(this.#headSize) : 1,
      scratch,
    );
  }
}
