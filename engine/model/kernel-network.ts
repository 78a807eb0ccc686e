/**
 * @module The network for quantized weights, at 4 or 8 bits. onnxruntime on WebAssembly has no 4-bit matmul,
 * and unpacks 8-bit weights anew in every call, so our kernels compute the linear layers and GELU, between norms
 * (`layer-norms.ts`) and in the same memory.
 *
 *     hidden = wte[token] + wpe[position]                     kernel
 *     normalized = ln_1(hidden)                               norm
 *     for each layer:
 *       qkv = c_attn(normalized)                              kernels: quantize, matmul
 *       context = attention(qkv)                              attention kernel, called by `Gpt2`
 *       branch = c_proj(context)                              kernels: quantize, matmul
 *       hidden += branch; normalized = ln_2(hidden)           residual_norm
 *       branch = mlp.c_proj(activation(c_fc(normalized)))     kernels: quantize, matmul, GELU and quantize, matmul
 *       hidden += branch; normalized = next_ln(hidden)        residual_norm
 *     logits = lm_head · normalized                           kernels: quantize, matmul; some of them: gathered-rows.ts
 *
 * `lm_head` is `wte` if they are tied. An activation other than GELU's tanh form is a graph of onnxruntime. `next_ln` is the next layer's `ln_1`, or `ln_f`: one run for a residual and the norm after it.
 */
import { activationIntermediates, isTanhGelu } from '../../model-assets/format/activations.ts';
import type { ModelConfig } from '../../model-assets/format/manifest.ts';
import { int8Bytes, TILE_COLUMNS } from '../../model-assets/format/packed.ts';
import { lmHeadWeight } from '../../model-assets/format/parameters.ts';
import type { AdapterKernel } from '../kernels/adapter.ts';
import { type LinearKernels, quantizedBytes } from '../kernels/linear.ts';
import { LOGITS_SCRATCH, type LogitsKernel, TABLE_BYTES } from '../kernels/logits.ts';
import { ActivationBuffers, totalBytes } from '../runtime/activation-buffers.ts';
import type { Ort } from '../runtime/ort.ts';
import type { ScopedAllocations } from '../runtime/scoped-allocations.ts';
import type { Session } from '../runtime/session.ts';
import { AdapterRows, adapterBuffers } from './adapter-rows.ts';
import { gatherRows } from './gathered-rows.ts';
import { bindLayerNorms, type NormSessions } from './layer-norms.ts';
import { rowLender } from './lent-row.ts';
import {
  LM_HEAD_ROWS,
  type LogitsRow,
  type Network,
  type NetworkPass,
  networkOf,
  SMALL_ALLOCATIONS_BYTES,
} from './network.ts';
import type { Weights } from './weights.ts';

const FLOAT_BYTES = 4;
const WORD_BYTES = 4;

/** `activation` is missing where a kernel computes it. */
export type KernelNetworkSessions = NormSessions & Readonly<Partial<Record<'activation', Session>>>;

/** Bytes of each activation buffer. */
function bufferSizes(config: ModelConfig, rows: number) {
  const { n_embd, n_inner, vocab_size } = config;
  const logitsRows = Math.min(rows, LM_HEAD_ROWS);
  const floats = (columns: number, count = rows) => FLOAT_BYTES * count * columns;
  return {
    /** Before and after the residual of attention; the residual of the mlp writes back to the first. */
    hidden: floats(n_embd),
    hiddenAfterAttention: floats(n_embd),
    normalized: floats(n_embd),
    /** Output of attention's `c_proj`, or of the mlp. */
    branch: floats(n_embd),
    /** First `qkv`, followed by `context`. Then, in their place, the output of an activation's graph. */
    shared: floats(Math.max(4 * n_embd, isTanhGelu(config) ? 0 : n_inner)),
    /** Scratch of decoding, while it reads logits. */
    mlpHidden: Math.max(floats(n_inner), LOGITS_SCRATCH.bytes),
    selected: floats(n_embd, logitsRows),
    logits: floats(vocab_size, logitsRows),
    exponentials: TABLE_BYTES,
    tokens: WORD_BYTES * rows,
    positions: WORD_BYTES * rows,
    /** The rows of the next matmul. */
    quantized: quantizedBytes(rows, Math.max(n_embd, n_inner)),
    ...adapterBuffers(rows),
  };
}

/** The parts of a network that all its passes share. */
interface NetworkParts {
  readonly ort: Ort;
  readonly config: ModelConfig;
  readonly kernels: LinearKernels & LogitsKernel;
  readonly lendRow: ReturnType<typeof rowLender>;
  readonly sessions: KernelNetworkSessions;
  readonly weights: Weights;
  readonly adapters: AdapterRows;
  /** Their addresses. */
  readonly buffers: Readonly<Record<keyof ReturnType<typeof bufferSizes>, number>>;
}

/** Heap for passes of up to `rows` rows. */
export function kernelPassBytes(config: ModelConfig, rows: number): number {
  return totalBytes(bufferSizes(config, rows)) + transientBytes(config, rows);
}

/** onnxruntime's peak during a pass: `test/unit/engine/memory.test.ts` compares it with the size of the heap. */
function transientBytes(config: ModelConfig, rows: number): number {
  const activation = activationIntermediates(config) * FLOAT_BYTES * rows * config.n_inner;
  return SMALL_ALLOCATIONS_BYTES + activation;
}

/**
 * @param sessions released with the network
 * @throws HeapExhaustedError when a pass of `maxRows` rows does not fit; nothing stays allocated then
 */
export function kernelNetwork(
  ort: Ort,
  config: ModelConfig,
  sessions: KernelNetworkSessions,
  kernels: LinearKernels & LogitsKernel & AdapterKernel,
  weights: Weights,
  maxRows: number,
): Network {
  const activations = new ActivationBuffers(ort.heap);
  const buffers = activations.allocate(bufferSizes(config, maxRows), transientBytes(config, maxRows));
  const lendRow = rowLender({
    kernel: kernels,
    heap: ort.heap,
    table: buffers.exponentials,
    scratch: buffers.mlpHidden,
    vocabSize: config.vocab_size,
  });
  const adapters = new AdapterRows(kernels, ort.heap, config, buffers);
  const parts = { ort, config, kernels, lendRow, sessions, weights, adapters, buffers };
  return networkOf(ort, { sessions, buffers: activations }, (rowCount, allocations) =>
    kernelPass(parts, rowCount, allocations),
  );
}

function kernelPass(parts: NetworkParts, rowCount: number, allocations: ScopedAllocations): NetworkPass {
  const { ort, config, kernels, lendRow, weights, adapters, buffers } = parts;
  const { n_layer, n_embd, n_inner, vocab_size } = config;
  const { heap } = ort;
  const { normalized, branch, mlpHidden, quantized } = buffers;
  const qkv = buffers.shared;
  const context = qkv + FLOAT_BYTES * rowCount * 3 * n_embd;
  const layerNorms = bindLayerNorms(parts, rowCount, allocations);
  const activation = bindActivation(parts, rowCount, allocations);
  const quantize = (x: number) => kernels.quantizeRows(x, rowCount, n_embd, quantized);
  /** `y = quantized · weight + bias` */
  const linear = (name: string, inputs: number, y: number, outputs: number) => {
    const weight = weights.address(`${name}.weight`);
    const scale = weights.address(`${name}.weight_scale`);
    const bias = weights.address(`${name}.bias`);
    const matmul = weights.isInt4(`${name}.weight`) ? kernels.matmulInt4 : kernels.matmulInt8;
    return () => matmul(quantized, rowCount, inputs, outputs, weight, scale, bias, y);
  };
  const layers = Array.from({ length: n_layer }, (_, layer) => ({
    c_attn: linear(`h.${layer}.attn.c_attn`, n_embd, qkv, 3 * n_embd),
    c_proj: linear(`h.${layer}.attn.c_proj`, n_embd, branch, n_embd),
    ln_2: layerNorms.ln_2[layer],
    c_fc: linear(`h.${layer}.mlp.c_fc`, n_embd, mlpHidden, n_inner),
    mlp_c_proj: linear(`h.${layer}.mlp.c_proj`, n_inner, branch, n_embd),
    next_ln: layerNorms.next_ln[layer],
  }));
  const embed = bindEmbedding(parts, rowCount);
  const lmHead = weights.address(lmHeadWeight(config));
  const lmHeadScale = weights.address(`${lmHeadWeight(config)}_scale`);

  return {
    qkv,
    context,
    embed(rows) {
      adapters.begin(rows);
      heap.words(buffers.tokens, rowCount).set(rows.map(({ node }) => node.token));
      heap.words(buffers.positions, rowCount).set(rows.map(({ node }) => node.position));
      embed();
      layerNorms.first_ln_1();
    },
    projectQkv(layer) {
      quantize(normalized);
      layers[layer]?.c_attn();
      adapters.add(layer, 'attn.c_attn', normalized, qkv);
    },
    finishBlock(layer) {
      const { c_proj, ln_2, c_fc, mlp_c_proj, next_ln } = layers[layer] as (typeof layers)[number];
      quantize(context);
      c_proj();
      adapters.add(layer, 'attn.c_proj', context, branch);
      ln_2?.();
      quantize(normalized);
      c_fc();
      adapters.add(layer, 'mlp.c_fc', normalized, mlpHidden);
      activation.quantize();
      mlp_c_proj();
      adapters.add(layer, 'mlp.c_proj', activation.output, branch);
      next_ln?.();
    },
    lmHead(rows) {
      const { selected, logits } = buffers;
      const rowBytes = n_embd * FLOAT_BYTES;
      const lend = (row: LogitsRow, address: number) => {
        const lent = lendRow(address);
        for (const read of row.readers) read(lent);
      };
      const whole = rows.filter(({ only }) => !isFew(only));
      for (const [i, { index }] of whole.entries()) {
        const row = heap.floats(normalized + index * rowBytes, n_embd);
        heap.floats(selected + i * rowBytes, n_embd).set(row);
      }
      if (whole.length > 0) {
        kernels.quantizeRows(selected, whole.length, n_embd, quantized);
        kernels.matmulInt8(quantized, whole.length, n_embd, vocab_size, lmHead, lmHeadScale, 0, logits);
      }
      for (const [i, row] of whole.entries()) lend(row, logits + i * vocab_size * FLOAT_BYTES);
      for (const row of rows) {
        if (!isFew(row.only)) continue;
        kernels.quantizeRows(normalized + row.index * rowBytes, 1, n_embd, quantized);
        for (const [first, outputs] of tilesOf(row.only, vocab_size)) {
          const weights = lmHead + int8Bytes(n_embd, first);
          const scales = lmHeadScale + first * FLOAT_BYTES;
          kernels.matmulInt8(quantized, 1, n_embd, outputs, weights, scales, 0, logits + first * FLOAT_BYTES);
        }
        lend(row, logits);
      }
    },
    gather: (rows) =>
      gatherRows(
        {
          heap,
          kernels,
          inputs: n_embd,
          columns: vocab_size,
          x: normalized,
          weights: lmHead,
          scales: lmHeadScale,
          table: buffers.exponentials,
          // The layers need none of their buffers any more.
          selected: branch,
          quantized,
          logits: buffers.logits,
          normalizers: mlpHidden,
          maxRows: rowCount,
          maxLogits: Math.min(rowCount, LM_HEAD_ROWS) * vocab_size,
        },
        rows,
      ),
  };
}

/** `hidden = wte[token] + wpe[position]` */
function bindEmbedding({ config, kernels, weights, buffers }: NetworkParts, rowCount: number): () => void {
  const { n_embd, vocab_size } = config;
  const { tokens, positions, hidden } = buffers;
  const wte = weights.address('wte.weight');
  const scales = weights.address('wte.weight_scale');
  const wpe = weights.address('wpe.weight');
  if (!weights.isInt4('wte.weight')) {
    return () => kernels.embed(tokens, positions, rowCount, n_embd, wte, scales, wpe, hidden);
  }
  return () => kernels.embedInt4(tokens, positions, rowCount, n_embd, vocab_size, wte, scales, wpe, hidden);
}

/** For so few tokens, products of their tiles alone are faster than those of the whole vocabulary. */
const FEW_TOKENS = 512;

function isFew(only: Uint32Array | undefined): only is Uint32Array {
  return only !== undefined && only.length <= FEW_TOKENS;
}

/** The tiles of the weights that contain the tokens, as first outputs and their number. */
function* tilesOf(tokens: Uint32Array, vocabSize: number): Generator<[first: number, outputs: number]> {
  let end = 0;
  for (const token of tokens) {
    if (token < end) continue;
    const first = token - (token % TILE_COLUMNS);
    end = Math.min(first + TILE_COLUMNS, vocabSize);
    yield [first, end - first];
  }
}

/** The activation of `mlpHidden`, also quantized. */
function bindActivation(
  { config, kernels, sessions, buffers }: NetworkParts,
  rowCount: number,
  allocations: ScopedAllocations,
): { readonly output: number; quantize(): void } {
  const { mlpHidden, shared, quantized } = buffers;
  const { n_inner } = config;
  if (!sessions.activation) {
    return {
      output: mlpHidden,
      quantize: () => kernels.geluQuantized(mlpHidden, rowCount, n_inner, quantized),
    };
  }
  const activation = allocations.bind(
    sessions.activation,
    { x: allocations.view('float32', mlpHidden, [rowCount, n_inner]) },
    { y: allocations.view('float32', shared, [rowCount, n_inner]) },
  );
  return {
    output: shared,
    quantize() {
      activation();
      kernels.quantizeRows(shared, rowCount, n_inner, quantized);
    },
  };
}
