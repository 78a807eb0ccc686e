/**
 * @module The operations of a GPT-2 block in float32, run over any number of rows in chunks.
 *
 * Rows are JavaScript arrays, `[rows, width]`. onnxruntime's heap holds one chunk and the weights of one
 * operation, so calibration's memory use does not grow with the number of layers.
 */
import {
  type AttentionKernel,
  attentionKernel,
  attentionScale,
  attentionScratchBytes,
} from '../../engine/kernels/attention.ts';
import { kernelModules, startOrt } from '../../engine/node/load-engine.ts';
import type { Ort } from '../../engine/runtime/ort.ts';
import { ScopedAllocations } from '../../engine/runtime/scoped-allocations.ts';
import { type Bindings, createSessions, type Session, type Tensor } from '../../engine/runtime/session.ts';
import type { ModelConfig } from '../format/manifest.ts';
import { buildCalibrationGraphs, type CalibrationGraphs } from '../graphs/calibration.ts';
import type { InputStatistics } from '../quantize/int4.ts';

const FLOAT_BYTES = 4;
const WORD_BYTES = 4;
/** Rows in the heap at a time. */
const CHUNK_ROWS = 512;

type Rows = Float32Array<ArrayBuffer>;

export class BlockOperations {
  readonly #ort: Ort;
  readonly #attention: AttentionKernel;
  readonly #config: ModelConfig;
  readonly #sessions: Readonly<Record<keyof CalibrationGraphs, Session>>;

  private constructor(
    ort: Ort,
    attention: AttentionKernel,
    config: ModelConfig,
    sessions: Record<keyof CalibrationGraphs, Session>,
  ) {
    this.#ort = ort;
    this.#attention = attention;
    this.#config = config;
    this.#sessions = sessions;
  }

  /** Starts an onnxruntime instance, which is garbage-collected with the result. */
  static async create(config: ModelConfig): Promise<BlockOperations> {
    const ort = await startOrt();
    const graphs = buildCalibrationGraphs(config);
    const { attention } = await kernelModules();
    return new BlockOperations(
      ort,
      attentionKernel(attention, ort.heap.memory),
      config,
      createSessions(ort, { ...graphs }),
    );
  }

  /** `hidden [rows, n_embd]` → `[rows, n_embd]` */
  layerNorm(hidden: Rows, gain: Float32Array, bias: Float32Array): Rows {
    const { n_embd } = this.#config;
    return this.#withScratch((scratch) => {
      const weights = {
        weight: this.#upload(scratch, gain, [n_embd]),
        bias: this.#upload(scratch, bias, [n_embd]),
      };
      return this.#eachChunk(hidden, n_embd, n_embd, (x, normal) =>
        this.#sessions.norm.run({ hidden: x, ...weights }, { normal }),
      );
    });
  }

  /** `x [rows, in]` → `x · weight [in, out] + bias [out]` */
  linear(x: Rows, weight: Float32Array, bias: Float32Array): Rows {
    const nOut = bias.length;
    const nIn = weight.length / nOut;
    return this.#withScratch((scratch) => {
      const weights: Bindings = {
        weight: this.#upload(scratch, weight, [nIn, nOut]),
        bias: this.#upload(scratch, bias, [nOut]),
      };
      return this.#eachChunk(x, nIn, nOut, (chunk, y) =>
        this.#sessions.linear.run({ x: chunk, ...weights }, { y }),
      );
    });
  }

  activation(x: Rows): Rows {
    const { n_inner } = this.#config;
    return this.#eachChunk(x, n_inner, n_inner, (chunk, y) =>
      this.#sessions.activation.run({ x: chunk }, { y }),
    );
  }

  /**
   * Causal self-attention of a layer inside windows of `window` rows.
   * @param qkv `[rows, 3 · n_embd]`, rows a multiple of `window`
   * @returns `[rows, n_embd]`
   */
  attention(qkv: Rows, window: number, layer: number): Rows {
    const { n_embd, n_head } = this.#config;
    const size = n_embd / n_head;
    const scale = attentionScale(this.#config, layer);
    return this.#withScratch((scratch) => {
      const valueOffset = window * n_embd * FLOAT_BYTES;
      const keys = scratch.allocate(2 * valueOffset);
      const path = scratch.allocate(window * WORD_BYTES);
      const paths = scratch.allocate(2 * window * WORD_BYTES);
      const weights = scratch.allocate(attentionScratchBytes(window, size));
      // The path of a row is the window's first rows, up to and including itself.
      for (let row = 0; row < window; row++) {
        this.#ort.heap.words(path + row * WORD_BYTES, 1)[0] = keys + row * n_embd * FLOAT_BYTES;
        this.#ort.heap.words(paths + 2 * row * WORD_BYTES, 2).set([path, row + 1]);
      }
      return this.#eachChunk(
        qkv,
        3 * n_embd,
        n_embd,
        (chunk, context) =>
          this.#attention.attend(
            chunk.pointer,
            context.pointer,
            window,
            paths,
            0,
            valueOffset,
            n_head,
            size,
            scale,
            weights,
          ),
        window,
      );
    });
  }

  /**
   * Mean, variance and covariance (upper triangle) of rows. The mean is subtracted before the float32
   * product: in an outlier dimension it far exceeds the deviation, and rounding would lose the variance.
   * @param x `[rows, width]`
   */
  statistics(x: Rows, width: number): Required<InputStatistics> {
    const rows = x.length / width;
    const mean = meanOf(x, width);
    const covariance = new Float64Array(width * width);
    for (let row = 0; row < rows; row += CHUNK_ROWS) {
      this.#withScratch((scratch) => {
        const count = Math.min(CHUNK_ROWS, rows - row);
        const panels = panelsOf(x.subarray(row * width, (row + count) * width), mean).map(
          ({ first, columns, values }) => ({
            first,
            columns,
            tensor: this.#upload(scratch, values, [count, columns]),
          }),
        );
        for (const [i, left] of panels.entries()) {
          for (const right of panels.slice(i)) this.#addGram(covariance, width, left, right);
        }
      });
    }
    for (let i = 0; i < covariance.length; i++) covariance[i] = (covariance[i] as number) / rows;
    const variance = Float64Array.from({ length: width }, (_, k) => covariance[k * width + k] as number);
    return { mean, variance, covariance };
  }

  release(): void {
    for (const session of Object.values(this.#sessions)) session.release();
  }

  /** `covariance[left, right] += leftᵀ · right` */
  #addGram(covariance: Float64Array, width: number, left: PanelTensor, right: PanelTensor): void {
    this.#withScratch((scratch) => {
      const gram = scratch.tensor('float32', [left.columns, right.columns]);
      this.#sessions.gram.run({ left: left.tensor, right: right.tensor }, { gram });
      const sums = this.#ort.heap.floats(gram.pointer, left.columns * right.columns);
      for (let i = 0; i < left.columns; i++) {
        const to = (left.first + i) * width + right.first;
        const from = i * right.columns;
        for (let j = 0; j < right.columns; j++) {
          covariance[to + j] = (covariance[to + j] as number) + (sums[from + j] as number);
        }
      }
    });
  }

  #eachChunk(
    rows: Rows,
    widthIn: number,
    widthOut: number,
    run: (x: Tensor, y: Tensor) => void,
    chunkRows = CHUNK_ROWS,
  ): Rows {
    const count = rows.length / widthIn;
    const result = new Float32Array(count * widthOut);
    for (let row = 0; row < count; row += chunkRows) {
      const end = Math.min(row + chunkRows, count);
      this.#withScratch((scratch) => {
        const y = scratch.tensor('float32', [end - row, widthOut]);
        run(this.#upload(scratch, rows.subarray(row * widthIn, end * widthIn), [end - row, widthIn]), y);
        result.set(this.#ort.heap.floats(y.pointer, (end - row) * widthOut), row * widthOut);
      });
    }
    return result;
  }

  #upload(scratch: ScopedAllocations, values: Float32Array, dims: readonly number[]): Tensor {
    const tensor = scratch.tensor('float32', dims);
    this.#ort.heap.floats(tensor.pointer, values.length).set(values);
    return tensor;
  }

  #withScratch<T>(use: (scratch: ScopedAllocations) => T): T {
    const scratch = new ScopedAllocations(this.#ort);
    try {
      return use(scratch);
    } finally {
      scratch.release();
    }
  }
}

/** Columns per matrix product: small enough to skip most of the lower triangle. */
const PANEL_COLUMNS = 512;

interface Panel {
  /** The first column. */
  readonly first: number;
  readonly columns: number;
}

interface PanelTensor extends Panel {
  readonly tensor: Tensor;
}

/** Splits `x [rows, width]` into panels of columns and subtracts the columns' means. */
function panelsOf(x: Rows, mean: Float64Array): (Panel & { values: Rows })[] {
  const width = mean.length;
  const panels: (Panel & { values: Rows })[] = [];
  for (let first = 0; first < width; first += PANEL_COLUMNS) {
    const columns = Math.min(PANEL_COLUMNS, width - first);
    const values = new Float32Array((x.length / width) * columns);
    for (let i = 0; i < values.length; i++) {
      const column = first + (i % columns);
      values[i] = (x[Math.floor(i / columns) * width + column] as number) - (mean[column] as number);
    }
    panels.push({ first, columns, values });
  }
  return panels;
}

function meanOf(x: Rows, width: number): Float64Array {
  const mean = new Float64Array(width);
  for (let i = 0; i < x.length; i++) mean[i % width] = (mean[i % width] as number) + (x[i] as number);
  return mean.map((sum) => sum / (x.length / width));
}
