/**
 * @module The parts of a GPT-2 block in float32, run over more rows than fit in a pass, chunk by chunk.
 *
 * Rows live in JavaScript, `[rows, width]`; onnxruntime's heap holds one chunk and the weights of one part. So the memory
 * that calibration takes does not grow with the number of layers.
 */
import { type AttentionKernel, attentionKernel } from '../../worker/engine/kernels/attention.ts';
import {
  type Bindings,
  createSessions,
  type Ort,
  type Session,
  type Tensor,
} from '../../worker/engine/ort.ts';
import { Scratch } from '../../worker/engine/scratch.ts';
import { buildCalibrationGraphs, type CalibrationGraphs } from '../graphs/calibration.ts';
import type { ModelConfig } from '../manifest.ts';
import { kernelModules, startOrt } from '../node/engine.ts';
import type { InputStatistics } from '../quantize-int4.ts';

const FLOAT_BYTES = 4;
const WORD_BYTES = 4;
/** Rows that are in the heap at once. */
const CHUNK_ROWS = 512;

type Rows = Float32Array<ArrayBuffer>;

export class Parts {
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

  /** In an onnxruntime of their own, which goes when they go. */
  static async create(config: ModelConfig): Promise<Parts> {
    const ort = await startOrt();
    const graphs = buildCalibrationGraphs(config);
    const { attention } = await kernelModules();
    return new Parts(
      ort,
      attentionKernel(attention, ort.heap.memory),
      config,
      createSessions(ort, { ...graphs }),
    );
  }

  /** `hidden [rows, n_embd]` → the same, normalized. */
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
   * Causal self-attention inside windows of `window` rows.
   * @param qkv `[rows, 3 · n_embd]`, rows a multiple of `window`
   * @returns `[rows, n_embd]`
   */
  attention(qkv: Rows, window: number): Rows {
    const { n_embd, n_head, scale_attn_weights } = this.#config;
    const size = n_embd / n_head;
    const scale = scale_attn_weights ? 1 / Math.sqrt(size) : 1;
    return this.#withScratch((scratch) => {
      const valueOffset = window * n_embd * FLOAT_BYTES;
      const keys = scratch.bytes(2 * valueOffset);
      const path = scratch.bytes(window * WORD_BYTES);
      const paths = scratch.bytes(2 * window * WORD_BYTES);
      const weights = scratch.bytes(4 * FLOAT_BYTES * Math.ceil(window / 4));
      // A row's path is the window's up to itself.
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
   * The mean and the covariance of rows. The mean comes off before the float32 product: of an outlier dimension's numbers,
   * much larger than they vary, the product would keep nothing else.
   * @param x `[rows, width]`
   */
  statistics(x: Rows, width: number): InputStatistics {
    const rows = x.length / width;
    const mean = meanOf(x, width);
    const covariance = new Float64Array(width * width);
    this.#withScratch((scratch) => {
      const gram = scratch.tensor('float32', [width, width]);
      for (let row = 0; row < rows; row += CHUNK_ROWS) {
        const centred = x.slice(row * width, Math.min(row + CHUNK_ROWS, rows) * width);
        for (let i = 0; i < centred.length; i++) {
          centred[i] = (centred[i] as number) - (mean[i % width] as number);
        }
        this.#withScratch((inner) => {
          const chunk = this.#upload(inner, centred, [centred.length / width, width]);
          this.#sessions.gram.run({ x: chunk }, { gram });
        });
        const sums = this.#ort.heap.floats(gram.pointer, width * width);
        for (let i = 0; i < sums.length; i++) {
          covariance[i] = (covariance[i] as number) + (sums[i] as number) / rows;
        }
      }
    });
    const variance = Float64Array.from({ length: width }, (_, k) => covariance[k * width + k] as number);
    return { mean, variance, covariance };
  }

  release(): void {
    for (const session of Object.values(this.#sessions)) session.release();
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

  #upload(scratch: Scratch, values: Float32Array, dims: readonly number[]): Tensor {
    const tensor = scratch.tensor('float32', dims);
    this.#ort.heap.floats(tensor.pointer, values.length).set(values);
    return tensor;
  }

  #withScratch<T>(use: (scratch: Scratch) => T): T {
    const scratch = new Scratch(this.#ort);
    try {
      return use(scratch);
    } finally {
      scratch.release();
    }
  }
}

function meanOf(x: Rows, width: number): Float64Array {
  const mean = new Float64Array(width);
  for (let i = 0; i < x.length; i++) mean[i % width] = (mean[i % width] as number) + (x[i] as number);
  return mean.map((sum) => sum / (x.length / width));
}
