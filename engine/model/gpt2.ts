/**
 * @module GPT-2's forward pass over a batch of rows from any number of trees: `embed → (ln_1, c_attn →
 * attention → c_proj, ln_2, mlp) × n_layer → ln_f, lm_head`.
 */
import type { ModelConfig } from '../../model-assets/format/manifest.ts';
import { KeyValuePool } from '../cache/kv-pool.ts';
import { type AttentionKernel, attentionScale, attentionScratchBytes } from '../kernels/attention.ts';
import type { Ort } from '../runtime/ort.ts';
import { ScopedAllocations } from '../runtime/scoped-allocations.ts';
import { gatherFromRow } from './gathered-rows.ts';
import { LM_HEAD_ROWS, type Network, type NetworkPass, type Row } from './network.ts';
import { pathBytes, writePaths } from './paths.ts';
import type { Plan } from './plan.ts';

export class Gpt2 {
  readonly config: ModelConfig;
  readonly pool: KeyValuePool;
  /** Limit for one pass. Longer prompts run in chunks of this many tokens. */
  readonly maxRows: number;
  readonly #ort: Ort;
  readonly #attend: AttentionKernel['attend'];
  readonly #network: Network;

  /**
   * @param network for passes of up to `plan.maxRows` rows; released with the model
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
   * Writes the rows' keys and values to the pool, and computes logits for the rows whose logits are read. A row can attend
   * to rows of the same pass.
   * @param rows 1 to `maxRows`
   */
  forward(rows: readonly Row[]): void {
    const scratch = new ScopedAllocations(this.#ort);
    try {
      const pass = this.#network.pass(rows.length);
      const { paths, maxLength } = writePaths(this.#ort.heap, rows, scratch);
      const attentionScratch = scratch.allocate(attentionScratchBytes(maxLength, this.#headSize));
      const gatheredRows = rows.flatMap(({ gathers = [] }, index) =>
        gathers.map((gather) => ({ gather, index })),
      );
      const logitsRows = [
        ...rows.flatMap(({ readers, only }, index) => (readers.length > 0 ? [{ readers, only, index }] : [])),
        ...(pass.gather
          ? []
          : gatheredRows.map(({ gather, index }) => ({ readers: [gatherFromRow(gather)], index }))),
      ];
      const lastLayer = this.config.n_layer - 1;

      pass.embed(rows);
      for (let layer = 0; layer <= lastLayer; layer++) {
        pass.projectQkv(layer);
        this.#attention(layer, pass, rows.length, paths, attentionScratch);
        // Without logits, only the keys and values of the last layer are needed.
        if (layer < lastLayer || logitsRows.length + gatheredRows.length > 0) pass.finishBlock(layer);
      }
      for (let begin = 0; begin < logitsRows.length; begin += LM_HEAD_ROWS) {
        pass.lmHead(logitsRows.slice(begin, begin + LM_HEAD_ROWS));
      }
      pass.gather?.(gatheredRows);
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

  #attention(layer: number, pass: NetworkPass, rowCount: number, paths: number, scratch: number): void {
    this.#attend(
      pass.qkv,
      pass.context,
      rowCount,
      paths,
      layer * this.pool.layerOffset,
      this.pool.valueOffset,
      this.config.n_head,
      this.#headSize,
      attentionScale(this.config, layer),
      scratch,
    );
  }
}
