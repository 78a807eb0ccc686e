/** @module Quantizes the linear layers of all blocks to 4 bits, in the order of the weight stream. */
import {
  type CalibratedLayer,
  type CalibrationTokens,
  calibrationPass,
  type LinearWeights,
} from '../calibrate/calibration-pass.ts';
import { type Checkpoint, readParameter } from '../checkpoint/checkpoint.ts';
import type { Manifest } from '../format/manifest.ts';
import { emptyErrorSums, quantizationReport } from '../quantize/error-sums.ts';
import { correctedBias, dequantizeInt4, type QuantizedInt4, quantizeInt4 } from '../quantize/int4.ts';

export interface QuantizedLinear {
  /** E.g. `h.0.attn.c_attn`. */
  readonly name: string;
  readonly weight: QuantizedInt4;
  /** `[out]`, corrected for the mean error of the quantized weight. */
  readonly bias: Float32Array;
  readonly report: Manifest['quantization'][number];
}

/**
 * @param tokens calibration tokens. Without them, layers after a LayerNorm use the statistics that its gain
 *   and bias imply, and the other layers none.
 */
export async function* quantizeBlocks(
  checkpoint: Checkpoint,
  tokens?: CalibrationTokens,
): AsyncGenerator<QuantizedLinear, void> {
  const layers = tokens ? calibrationPass(checkpoint, tokens) : uncalibratedLayers(checkpoint);
  try {
    let layer = await layers.next();
    while (!layer.done) {
      const { name, weight, bias, inputs } = layer.value;
      const sums = emptyErrorSums();
      const quantized = quantizeInt4(weight, bias.length, sums, inputs);
      const dequantized = dequantizeInt4(quantized, weight.length / bias.length);
      const corrected = inputs ? correctedBias(bias, weight, dequantized, inputs.mean) : bias;
      yield {
        name,
        weight: quantized,
        bias: corrected,
        report: quantizationReport(`${name}.weight`, sums),
      };
      layer = await layers.next({ weight: dequantized, bias: corrected });
    }
  } finally {
    await layers.return();
  }
}

/** The same layers without a text. The output of a LayerNorm has mean `bias` and variance `gain²`. */
async function* uncalibratedLayers(
  checkpoint: Checkpoint,
): AsyncGenerator<Omit<CalibratedLayer, 'inputs'> & Partial<CalibratedLayer>, void, LinearWeights> {
  const read = (name: string) => readParameter(checkpoint, name);
  const linear = async (name: string) => ({
    name,
    weight: await read(`${name}.weight`),
    bias: await read(`${name}.bias`),
  });
  const normStatistics = async (norm: string) => ({
    inputs: {
      mean: Float64Array.from(await read(`${norm}.bias`)),
      variance: Float64Array.from(await read(`${norm}.weight`), (gain) => gain * gain),
    },
  });
  for (let layer = 0; layer < checkpoint.config.n_layer; layer++) {
    const h = `h.${layer}`;
    yield { ...(await linear(`${h}.attn.c_attn`)), ...(await normStatistics(`${h}.ln_1`)) };
    yield linear(`${h}.attn.c_proj`);
    yield { ...(await linear(`${h}.mlp.c_fc`)), ...(await normStatistics(`${h}.ln_2`)) };
    yield linear(`${h}.mlp.c_proj`);
  }
}
