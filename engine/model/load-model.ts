/** @module The network that a model's precision asks for. */
import type { Manifest } from '../../model-assets/format/manifest.ts';
import { linearKernels } from '../kernels/linear.ts';
import type { Ort } from '../runtime/ort.ts';
import { type KernelNetworkSessions, kernelNetwork } from './kernel-network.ts';
import type { Network } from './network.ts';
import { type OnnxNetworkSessions, onnxNetwork } from './onnx-network.ts';
import type { Weights } from './weights.ts';

/** Sessions for all graphs that a manifest names. */
export type Sessions = OnnxNetworkSessions | KernelNetworkSessions;

/**
 * @param sessions which are released with the network
 * @param linear the kernels for 4-bit weights, compiled
 * @throws HeapExhaustedError, ModelFilesError; it holds nothing then
 */
export function loadNetwork(
  ort: Ort,
  { config }: Manifest,
  sessions: Sessions,
  weights: Weights,
  linear: WebAssembly.Module,
  maxRows: number,
): Network {
  if ('embed' in sessions) return onnxNetwork(ort, config, sessions, weights, maxRows);
  return kernelNetwork(ort, config, sessions, linearKernels(linear, ort.heap.memory), weights, maxRows);
}
