/** @module The changes that adapters make to the linear layers of a pass: each adapter to its own rows. */
import { shapeOf, TARGETS, type Target } from '../../model-assets/format/adapter.ts';
import type { ModelConfig } from '../../model-assets/format/manifest.ts';
import { ADAPTER_SCRATCH_BYTES, type AdapterKernel } from '../kernels/adapter.ts';
import type { Heap } from '../runtime/heap.ts';
import type { HeapAdapter, Row } from './network.ts';

const WORD_BYTES = 4;

/** Bytes of the buffers for passes of up to `rows` rows. */
export const adapterBuffers = (rows: number) => ({
  /** Indices of rows, grouped by adapter. */
  adapterRows: WORD_BYTES * rows,
  adapterScratch: ADAPTER_SCRATCH_BYTES,
});

interface Group {
  readonly adapter: HeapAdapter;
  /** Address of the indices of its rows, and their number. */
  readonly rows: number;
  readonly count: number;
}

export class AdapterRows {
  readonly #kernel: AdapterKernel;
  readonly #heap: Heap;
  readonly #config: ModelConfig;
  readonly #buffers: Readonly<Record<keyof ReturnType<typeof adapterBuffers>, number>>;
  #groups: readonly Group[] = [];

  constructor(
    kernel: AdapterKernel,
    heap: Heap,
    config: ModelConfig,
    buffers: Readonly<Record<keyof ReturnType<typeof adapterBuffers>, number>>,
  ) {
    this.#kernel = kernel;
    this.#heap = heap;
    this.#config = config;
    this.#buffers = buffers;
  }

  /** Groups the rows of a pass. */
  begin(rows: readonly Row[]): void {
    const byAdapter = new Map<HeapAdapter, number[]>();
    for (const [index, { adapter }] of rows.entries()) {
      if (!adapter) continue;
      const indices = byAdapter.get(adapter) ?? [];
      byAdapter.set(adapter, indices);
      indices.push(index);
    }
    let address = this.#buffers.adapterRows;
    this.#groups = [...byAdapter].map(([adapter, indices]) => {
      const group = { adapter, rows: address, count: indices.length };
      this.#heap.words(address, indices.length).set(indices);
      address += WORD_BYTES * indices.length;
      return group;
    });
  }

  /**
   * Adds the changes to a linear layer's output.
   * @param x address of the layer's input, `[rows, inputs]` f32
   * @param y address of its output, `[rows, outputs]` f32
   */
  add(layer: number, target: Target, x: number, y: number): void {
    const [inputs, outputs] = shapeOf(target, this.#config);
    const index = layer * TARGETS.length + TARGETS.indexOf(target);
    for (const { adapter, rows, count } of this.#groups) {
      const { content, address } = adapter;
      const change = content.layers[index];
      if (!change) continue;
      const { a, b, rank, scale } = change;
      const addLowRank =
        content.dtype === 'float16' ? this.#kernel.addLowRankF16 : this.#kernel.addLowRankF32;
      const scratch = this.#buffers.adapterScratch;
      addLowRank(x, inputs, y, outputs, rows, count, address + a, address + b, rank, scale, scratch);
    }
  }
}
