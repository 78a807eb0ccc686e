/**
 * @module A forward pass of GPT-2 over the calibration text, with the input statistics of every linear layer.
 *
 * The caller answers each layer with its quantized weights, and the pass continues with those: the statistics
 * of later layers include the errors of earlier ones. Memory holds the weights of one layer at a time.
 */
import { type Checkpoint, readParameter } from '../checkpoint/checkpoint.ts';
import type { StoredTensor } from '../checkpoint/interface/stored-tensor.ts';
import type { InputStatistics } from '../quantize/int4.ts';
import { BlockOperations } from './block-operations.ts';

/** Token ids `[windows · window]`: independent sequences of `window` tokens. */
export interface CalibrationTokens {
  readonly ids: Int32Array;
  readonly window: number;
}

export interface LinearWeights {
  /** `[in, out]`. */
  readonly weight: Float32Array;
  /** `[out]`. */
  readonly bias: Float32Array;
}

/** A linear layer of the checkpoint and the statistics of its inputs. */
export interface CalibratedLayer extends LinearWeights {
  /** E.g. `h.0.attn.c_attn`. */
  readonly name: string;
  readonly inputs: InputStatistics;
}

type Rows = Float32Array<ArrayBuffer>;

/**
 * Runs the blocks over the tokens.
 *
 * @yields each linear layer: `h.0.attn.c_attn`, `h.0.attn.c_proj`, `h.0.mlp.c_fc`, `h.0.mlp.c_proj`, `h.1…`.
 *   `next` takes the weights to continue with.
 * @example
 * const pass = calibrationPass(checkpoint, tokens);
 * for (let layer = await pass.next(); !layer.done; layer = await pass.next(quantize(layer.value)));
 */
export async function* calibrationPass(
  checkpoint: Checkpoint,
  tokens: CalibrationTokens,
): AsyncGenerator<CalibratedLayer, void, LinearWeights> {
  const { config } = checkpoint;
  const { n_layer, n_embd, n_inner } = config;
  const read = (name: string) => readParameter(checkpoint, name);
  const operations = await BlockOperations.create(config);
  async function* linear(
    name: string,
    x: Rows,
    width: number,
  ): AsyncGenerator<CalibratedLayer, Rows, LinearWeights> {
    const [weight, bias] = [await read(`${name}.weight`), await read(`${name}.bias`)];
    const quantized = yield { name, weight, bias, inputs: operations.statistics(x, width) };
    return operations.linear(x, quantized.weight, quantized.bias);
  }
  const layerNorm = async (name: string, hidden: Rows) =>
    operations.layerNorm(hidden, await read(`${name}.weight`), await read(`${name}.bias`));
  try {
    const hidden = await embed(checkpoint, tokens);
    for (let layer = 0; layer < n_layer; layer++) {
      const h = `h.${layer}`;
      const qkv = yield* linear(`${h}.attn.c_attn`, await layerNorm(`${h}.ln_1`, hidden), n_embd);
      const context = operations.attention(qkv, tokens.window, layer);
      addTo(hidden, yield* linear(`${h}.attn.c_proj`, context, n_embd));
      const wide = yield* linear(`${h}.mlp.c_fc`, await layerNorm(`${h}.ln_2`, hidden), n_embd);
      addTo(hidden, yield* linear(`${h}.mlp.c_proj`, operations.activation(wide), n_inner));
    }
  } finally {
    operations.release();
  }
}

/** @returns `wte[token] + wpe[position]`, `[tokens, n_embd]`. */
async function embed(checkpoint: Checkpoint, { ids, window }: CalibrationTokens): Promise<Rows> {
  const { n_embd } = checkpoint.config;
  const hidden = new Float32Array(ids.length * n_embd);
  // nameTensors guarantees that every parameter exists.
  const wte = checkpoint.parameters.get('wte.weight') as StoredTensor;
  const rows = new Map<number, Float32Array>();
  for (const id of new Set(ids)) rows.set(id, await wte.read(id * n_embd, n_embd));
  const wpe = await readParameter(checkpoint, 'wpe.weight');
  for (const [i, id] of ids.entries()) {
    const row = hidden.subarray(i * n_embd, (i + 1) * n_embd);
    const position = (i % window) * n_embd;
    row.set(rows.get(id) as Float32Array);
    addTo(row, wpe.subarray(position, position + n_embd));
  }
  return hidden;
}

function addTo(sum: Float32Array, terms: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (terms[i] as number);
}
