/**
 * @module The linear layers of all blocks in 4 bits, in the order they are run and stored in.
 */
import { type CalibrationTokens, type Linear, type Stop, walkThrough } from '../calibrate/walk.ts';
import { type Checkpoint, readParameter } from '../checkpoint/checkpoint.ts';
import type { Manifest } from '../format/manifest.ts';
import { correctedBias, dequantizeInt4, type QuantizedInt4, quantizeInt4 } from '../quantize/int4.ts';
import { noErrors, quantizationReport } from '../quantize/int8.ts';

export interface QuantizedLinear {
  /** E.g. `h.0.attn.c_attn`. */
  readonly name: string;
  readonly weight: QuantizedInt4;
  /** `[out]`: the checkpoint's, less the mean error that the weights make. */
  readonly bias: Float32Array;
  readonly report: Manifest['quantization'][number];
}

/**
 * @param tokens to calibrate with; without them, what the checkpoint's LayerNorms say of their outputs has to do.
 */
export async function* quantizeBlocks(
  checkpoint: Checkpoint,
  tokens?: CalibrationTokens,
): AsyncGenerator<QuantizedLinear, void> {
  const walk = tokens ? walkThrough(checkpoint, tokens) : readThrough(checkpoint);
  try {
    let stop = await walk.next();
    while (!stop.done) {
      const { name, weight, bias, inputs } = stop.value;
      const sums = noErrors();
      const quantized = quantizeInt4(weight, bias.length, sums, inputs);
      const stored = dequantizeInt4(quantized, weight.length / bias.length);
      const corrected = inputs ? correctedBias(bias, weight, stored, inputs.mean) : bias;
      yield {
        name,
        weight: quantized,
        bias: corrected,
        report: quantizationReport(`${name}.weight`, sums),
      };
      stop = await walk.next({ weight: stored, bias: corrected });
    }
  } finally {
    await walk.return();
  }
}

/** The same layers without a text. Only what comes from a LayerNorm is known, to begin with, by its gains and biases. */
async function* readThrough(
  checkpoint: Checkpoint,
): AsyncGenerator<Omit<Stop, 'inputs'> & Partial<Stop>, void, Linear> {
  const read = (name: string) => readParameter(checkpoint, name);
  const linear = async (name: string) => ({
    name,
    weight: await read(`${name}.weight`),
    bias: await read(`${name}.bias`),
  });
  const behind = async (norm: string) => ({
    inputs: {
      mean: Float64Array.from(await read(`${norm}.bias`)),
      variance: Float64Array.from(await read(`${norm}.weight`), (gain) => gain * gain),
    },
  });
  for (let layer = 0; layer < checkpoint.config.n_layer; layer++) {
    const h = `h.${layer}`;
    yield { ...(await linear(`${h}.attn.c_attn`)), ...(await behind(`${h}.ln_1`)) };
    yield linear(`${h}.attn.c_proj`);
    yield { ...(await linear(`${h}.mlp.c_fc`)), ...(await behind(`${h}.ln_2`)) };
    yield linear(`${h}.mlp.c_proj`);
  }
}
