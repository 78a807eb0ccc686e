/**
 * @module The norms of the network for quantized weights. onnxruntime finds a row's mean and variance by a chain of
 * divisions, one after another, row after row; a kernel does so for four rows at a time, with the same bits.
 */
import type { ModelConfig } from '../../model-assets/format/manifest.ts';
import { type LinearKernels, NORM_ROWS } from '../kernels/linear.ts';
import type { ScopedAllocations } from '../runtime/scoped-allocations.ts';
import type { Session } from '../runtime/session.ts';
import type { Weights } from './weights.ts';

export type NormSessions = Readonly<Record<'norm' | 'residual_norm', Session>>;

interface NormParts {
  readonly config: ModelConfig;
  readonly kernels: Pick<LinearKernels, 'norm' | 'residualNorm'>;
  readonly sessions: NormSessions;
  readonly weights: Weights;
  /** Their addresses. */
  readonly buffers: Readonly<Record<HiddenBuffer | 'branch' | 'normalized', number>>;
}

/** Norms between buffers, whose results are in `normalized`. */
interface Norms {
  /** Of `hidden`. */
  norm(name: string): () => void;
  /** Of the sum of `input` and `branch`, which `output` receives. */
  residualNorm(name: string, input: HiddenBuffer, output: HiddenBuffer): () => void;
}

type HiddenBuffer = 'hidden' | 'hiddenAfterAttention';

/** The first layer's `ln_1`, and for each layer the residuals with the norms after them. */
export function bindLayerNorms(parts: NormParts, rowCount: number, allocations: ScopedAllocations) {
  const { n_layer } = parts.config;
  const { norm, residualNorm } =
    rowCount < NORM_ROWS ? onnxNorms(parts, rowCount, allocations) : kernelNorms(parts, rowCount);
  const layers = Array.from({ length: n_layer }, (_, layer) => layer);
  const nextNorm = (layer: number) => (layer + 1 < n_layer ? `h.${layer + 1}.ln_1` : 'ln_f');
  return {
    first_ln_1: norm('h.0.ln_1'),
    ln_2: layers.map((layer) => residualNorm(`h.${layer}.ln_2`, 'hidden', 'hiddenAfterAttention')),
    next_ln: layers.map((layer) => residualNorm(nextNorm(layer), 'hiddenAfterAttention', 'hidden')),
  };
}

function onnxNorms(
  { config, sessions, weights, buffers }: NormParts,
  rowCount: number,
  allocations: ScopedAllocations,
): Norms {
  const view = (pointer: number) => allocations.view('float32', pointer, [rowCount, config.n_embd]);
  const hidden = view(buffers.hidden);
  const hiddenAfterAttention = view(buffers.hiddenAfterAttention);
  const views = { hidden, hiddenAfterAttention };
  const normal = view(buffers.normalized);
  const added = view(buffers.branch);
  const weightsOf = (name: string) => weights.renamed({ weight: `${name}.weight`, bias: `${name}.bias` });
  return {
    norm: (name) => allocations.bind(sessions.norm, { hidden, ...weightsOf(name) }, { normal }),
    residualNorm: (name, input, output) =>
      allocations.bind(
        sessions.residual_norm,
        { hidden: views[input], added, ...weightsOf(name) },
        { hidden_out: views[output], normal },
      ),
  };
}

function kernelNorms({ config, kernels, weights, buffers }: NormParts, rowCount: number): Norms {
  const { n_embd, layer_norm_epsilon } = config;
  const { normalized, branch } = buffers;
  return {
    norm(name) {
      const weight = weights.address(`${name}.weight`);
      const bias = weights.address(`${name}.bias`);
      return () =>
        kernels.norm(buffers.hidden, rowCount, n_embd, weight, bias, layer_norm_epsilon, normalized);
    },
    residualNorm(name, input, output) {
      const weight = weights.address(`${name}.weight`);
      const bias = weights.address(`${name}.bias`);
      const hidden = buffers[input];
      const sum = buffers[output];
      return () =>
        kernels.residualNorm(
          hidden,
          branch,
          rowCount,
          n_embd,
          weight,
          bias,
          layer_norm_epsilon,
          sum,
          normalized,
        );
    },
  };
}
