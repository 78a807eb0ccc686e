/**
 * @module A text's way through GPT-2, stopping at every linear layer to tell what goes into it.
 *
 * Whoever walks answers each stop with the weights that will be stored, and the rows go on through those: the next layer's
 * statistics are of the inputs it will get from its quantized predecessors. The float32 model is never in memory as a whole.
 */
import { type Checkpoint, readParameter } from '../checkpoint/checkpoint.ts';
import { readFloats, type StoredTensor } from '../checkpoint/safetensors.ts';
import type { InputStatistics } from '../quantize/int4.ts';
import { Parts } from './parts.ts';

/** Token ids `[windows · window]`: texts of `window` tokens each, that begin without a past. */
export interface CalibrationTokens {
  readonly ids: Int32Array;
  readonly window: number;
}

/** A linear layer of the checkpoint. */
export interface Linear {
  /** `[in, out]`. */
  readonly weight: Float32Array;
  /** `[out]`. */
  readonly bias: Float32Array;
}

export interface Stop extends Linear {
  /** E.g. `h.0.attn.c_attn`. */
  readonly name: string;
  readonly inputs: InputStatistics;
}

type Rows = Float32Array<ArrayBuffer>;

/**
 * Walks through the blocks, `h.0.attn.c_attn`, `h.0.attn.c_proj`, `h.0.mlp.c_fc`, `h.0.mlp.c_proj`, `h.1…`.
 *
 * @yields each linear layer; `next` takes the one to go on with.
 * @example
 * const walk = walkThrough(checkpoint, tokens);
 * for (let stop = await walk.next(); !stop.done; stop = await walk.next(quantized(stop.value)));
 */
export async function* walkThrough(
  checkpoint: Checkpoint,
  tokens: CalibrationTokens,
): AsyncGenerator<Stop, void, Linear> {
  const { config } = checkpoint;
  const { n_layer, n_embd, n_inner } = config;
  const read = (name: string) => readParameter(checkpoint, name);
  const parts = await Parts.create(config);
  async function* linear(name: string, x: Rows, width: number): AsyncGenerator<Stop, Rows, Linear> {
    const [weight, bias] = [await read(`${name}.weight`), await read(`${name}.bias`)];
    const stored = yield { name, weight, bias, inputs: parts.statistics(x, width) };
    return parts.linear(x, stored.weight, stored.bias);
  }
  const layerNorm = async (name: string, hidden: Rows) =>
    parts.layerNorm(hidden, await read(`${name}.weight`), await read(`${name}.bias`));
  try {
    const hidden = await embed(checkpoint, tokens);
    for (let layer = 0; layer < n_layer; layer++) {
      const h = `h.${layer}`;
      const qkv = yield* linear(`${h}.attn.c_attn`, await layerNorm(`${h}.ln_1`, hidden), n_embd);
      const context = parts.attention(qkv, tokens.window);
      addTo(hidden, yield* linear(`${h}.attn.c_proj`, context, n_embd));
      const wide = yield* linear(`${h}.mlp.c_fc`, await layerNorm(`${h}.ln_2`, hidden), n_embd);
      addTo(hidden, yield* linear(`${h}.mlp.c_proj`, parts.activation(wide), n_inner));
    }
  } finally {
    parts.release();
  }
}

/** @returns `wte[token] + wpe[position]`, `[tokens, n_embd]`. */
async function embed(checkpoint: Checkpoint, { ids, window }: CalibrationTokens): Promise<Rows> {
  const { n_embd } = checkpoint.config;
  const hidden = new Float32Array(ids.length * n_embd);
  // nameTensors has found every parameter.
  const wte = checkpoint.parameters.get('wte.weight') as StoredTensor;
  const rows = new Map<number, Float32Array>();
  for (const id of new Set(ids)) rows.set(id, await readFloats(wte, id * n_embd, n_embd));
  const wpe = await readParameter(checkpoint, 'wpe.weight');
  for (const [at, id] of ids.entries()) {
    const row = hidden.subarray(at * n_embd, (at + 1) * n_embd);
    const position = (at % window) * n_embd;
    row.set(rows.get(id) as Float32Array);
    addTo(row, wpe.subarray(position, position + n_embd));
  }
  return hidden;
}

function addTo(sum: Float32Array, terms: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (terms[i] as number);
}
