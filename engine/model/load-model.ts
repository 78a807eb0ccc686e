/** @module Loads a model into the heap: sessions, weights, network, attention kernel and cache. */
import type { Manifest, ModelFile } from '../../model-assets/format/manifest.ts';
import { adapterKernel } from '../kernels/adapter.ts';
import { attentionKernel } from '../kernels/attention.ts';
import { type DotProduct, type LinearModules, linearKernels } from '../kernels/linear.ts';
import { logitsKernel } from '../kernels/logits.ts';
import type { Ort } from '../runtime/ort.ts';
import { createSessions, releaseSessions } from '../runtime/session.ts';
import { Adapters } from './adapters.ts';
import { Gpt2 } from './gpt2.ts';
import { type KernelNetworkSessions, kernelNetwork } from './kernel-network.ts';
import { type ModelSource, readFile, type Sha256 } from './model-source.ts';
import type { Network } from './network.ts';
import { type OnnxAdapterSessions, onnxAdapterNetwork } from './onnx-adapter-network.ts';
import { type OnnxNetworkSessions, onnxNetwork } from './onnx-network.ts';
import { makePlan, type Plan, type PlanOptions } from './plan.ts';
import { ReadAheadChoice } from './read-ahead.ts';
import { Weights } from './weights.ts';

/** The kernels, compiled: `kernels/*.wasm`. */
export interface KernelModules {
  readonly adapter: WebAssembly.Module;
  readonly attention: WebAssembly.Module;
  readonly logits: WebAssembly.Module;
  readonly linear: LinearModules;
}

/** Sessions for all graphs of a manifest. */
type NetworkSessions = OnnxNetworkSessions | OnnxAdapterSessions | KernelNetworkSessions;

export interface LoadOptions extends PlanOptions {
  /** Compiled kernels. */
  readonly kernels: KernelModules;
  readonly source: ModelSource;
  readonly sha256: () => Sha256;
  readonly signal: AbortSignal;
}

/** The caller releases `model` and then `weights`, frees `adapters`, and what is reserved for `requests`. */
export interface LoadedModel {
  readonly model: Gpt2;
  readonly weights: Weights;
  readonly adapters: Adapters;
  readonly plan: Plan;
  /** Null at f32, which multiplies in onnxruntime. */
  readonly dotProduct: DotProduct | null;
  /** Null if the kernels never read ahead: at f32, and for small models. */
  readonly readAhead: ReadAheadChoice | null;
}

/**
 * @throws ModelFilesError, ModelTooLargeError, HeapExhaustedError, OrtError; everything is released after any
 *   of them
 */
export async function loadModel(ort: Ort, manifest: Manifest, options: LoadOptions): Promise<LoadedModel> {
  const { kernels, source, sha256, signal } = options;
  const sessions = createSessions(ort, await readGraphs(manifest.graphs, source, sha256)) as NetworkSessions;
  let weights: Weights | undefined;
  let adapters: Adapters | undefined;
  let network: Network | undefined;
  let requestBytes = 0;
  try {
    const plan = makePlan(ort.heap.account, manifest, options);
    // Outside the heap, but the cache must not grow into it.
    ort.heap.reserve(plan.bytes.requests, 'requests');
    requestBytes = plan.bytes.requests;
    adapters = new Adapters(ort.heap, manifest, plan.bytes.adapters);
    weights = await Weights.load(ort, manifest, source, sha256, signal);
    const created = createNetwork(ort, manifest, sessions, weights, kernels, plan.maxRows);
    network = created.network;
    tryOut(network);
    const attention = attentionKernel(kernels.attention, ort.heap.memory);
    const model = new Gpt2(ort, attention, manifest.config, network, plan);
    return { model, weights, adapters, plan, dotProduct: created.dotProduct, readAhead: created.readAhead };
  } catch (error) {
    if (network) network.release();
    else releaseSessions(sessions);
    weights?.release();
    adapters?.free();
    ort.heap.reserve(-requestBytes, 'requests');
    throw error;
  }
}

async function readGraphs(
  files: Manifest['graphs'],
  source: ModelSource,
  sha256: () => Sha256,
): Promise<Record<string, Uint8Array>> {
  const entries = Object.entries(files).map(
    async ([name, file]: [string, ModelFile]) => [name, await readFile(source, file, sha256)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** The network for the model's precision. It owns `sessions`, unless creating it fails. */
function createNetwork(
  ort: Ort,
  { config }: Manifest,
  sessions: NetworkSessions,
  weights: Weights,
  kernels: KernelModules,
  maxRows: number,
): Pick<LoadedModel, 'dotProduct' | 'readAhead'> & { readonly network: Network } {
  const shared = {
    ...logitsKernel(kernels.logits, ort.heap.memory),
    ...adapterKernel(kernels.adapter, ort.heap.memory),
  };
  if ('linear' in sessions) {
    const network = onnxAdapterNetwork(ort, config, sessions, shared, weights, maxRows);
    return { network, dotProduct: null, readAhead: null };
  }
  if ('embed' in sessions) {
    const network = onnxNetwork(ort, config, sessions, shared, weights, maxRows);
    return { network, dotProduct: null, readAhead: null };
  }
  const { kernels: linear, dotProduct } = linearKernels(kernels.linear, ort.heap.memory);
  const network = kernelNetwork(ort, config, sessions, { ...linear, ...shared }, weights, maxRows);
  return { network, dotProduct, readAhead: ReadAheadChoice.of(config, linear.setReadAhead) };
}

/**
 * Runs every graph once, with one token and without attention: a file can have the right digest and be the wrong graph.
 * @throws OrtError for a graph with other inputs, outputs or shapes
 */
function tryOut(network: Network): void {
  const pass = network.pass(1);
  pass.embed([{ node: { token: 0, position: 0, parent: null, slot: 0 }, readers: [] }]);
  pass.projectQkv(0);
  pass.finishBlock(0);
  pass.lmHead([{ index: 0, readers: [] }]);
}
